package kernel

// Lanes is the number of frequencies in a block.
const Lanes = 32

// MaxRecords is the largest number of records in one call.
const MaxRecords = 255

// AtOnce is a multiple of the numbers of records that the kernels take at a time.
// Those that are left over are slower.
const AtOnce = 12

// The extremes of a and b over all 2^32 phases.
const (
	MaxA = 1<<23 + 1
	MaxB = 1 << 22
)

// The coefficients of the two polynomials: binary32 constants times 2048.
const (
	s0 = float32(float32(4.442882834150685) * 2048)
	s1 = float32(float32(-7.308241154578656) * 2048)
	s2 = float32(float32(3.606288958638492) * 2048)
	s3 = float32(float32(-0.8457635981866104) * 2048)
	s4 = float32(float32(0.10920575707384743) * 2048)

	c0 = float32(float32(1.4142134966405506) * 2048)
	c1 = float32(float32(-6.9788509922865964) * 2048)
	c2 = float32(float32(5.739461229122794) * 2048)
	c3 = float32(float32(-1.8835632995335314) * 2048)
	c4 = float32(float32(0.3106987475835834) * 2048)
)

// turn is the length of a phase unit: 2^-32 turns.
const turn = float32(1.0 / (1 << 32))
