"""What the comparisons share: workers that take turns, figures with their spread, the table, and a Kafka.

Each comparison prints its rows as a markdown table, and with --rows FILE appends them to a file instead, from which
"common.py FILE" prints the table of all. A row that misses its target makes the exit code 1."""
import argparse
import json
import os
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
FIRST, LAST = 0, os.cpu_count() - 1  # Cores: what is measured is pinned to the first one, brokers to the last.
THREADS = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "GOMAXPROCS")}


def options(text, more=None):
    p = argparse.ArgumentParser(description=text, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--quick", action="store_true", help="little data and few runs, for a first look")
    p.add_argument("--rows", metavar="FILE", help="append the rows to FILE instead of printing a table")
    p.add_argument("--bin", default=os.environ.get("PEERS_BIN"), help="folder of the programs phasor and peers; built if not given")
    p.add_argument("--python", default=os.environ.get("PEERS_PYTHON", sys.executable), help="Python with numpy and torch")
    if more:
        more(p)
    o = p.parse_args()
    o.runs = 3 if o.quick else 6
    if not o.bin:
        o.bin = tempfile.mkdtemp(prefix="phasor-peers-")
        import atexit
        atexit.register(shutil.rmtree, o.bin, True)
        subprocess.run(["go", "build", "-o", os.path.join(o.bin, "phasor"), "./cmd/phasor"], cwd=ROOT, check=True)
        subprocess.run(["go", "build", "-o", os.path.join(o.bin, "peers"), "."], cwd=HERE, check=True)
    o.phasor, o.peers = os.path.join(o.bin, "phasor"), os.path.join(o.bin, "peers")
    return o


def say(text):
    print(text, file=sys.stderr, flush=True)


class Worker:
    """A process on the first core that answers requests; see worker.go and worker.py."""

    def __init__(self, *command):
        self.process = subprocess.Popen(["taskset", "-c", str(FIRST), *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env={**os.environ, **THREADS})
        self.about = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"{self.process.args}: ended with code {self.process.wait()}")
        return json.loads(line)

    def measure(self, task, seconds):
        self.process.stdin.write(f"{task} {seconds}\n")
        self.process.stdin.flush()
        return self.answer()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def turns(o, tasks, seconds=None):
    """Costs of each task by run; tasks are names with a function of the seconds. They take turns, whose order is
    reversed each time, so that a slow minute slows all of them. One run before is not counted."""
    seconds = seconds or (0.2 if o.quick else 0.5)
    costs = {name: [] for name in tasks}
    for do in tasks.values():
        do(seconds / 5)
    for run in range(o.runs):
        order = list(tasks)
        for name in order if run % 2 == 0 else reversed(order):
            costs[name].append(tasks[name](seconds))
    return costs


def of(worker, task):
    return lambda seconds: worker.measure(task, seconds)["cost"]


def spread(values, digits=3):
    """Median (least–greatest)."""
    return f"{short(statistics.median(values), digits)} ({short(min(values), digits)}–{short(max(values), digits)})"


def short(v, digits=3):
    if v == 0:
        return "0"
    text = f"{v:.{digits}g}"
    return f"{v:.0f}" if "e" in text or abs(v) >= 10 ** digits else text


class Report:
    def __init__(self, o):
        self.rows, self.notes, self.out = [], [], o.rows

    def compare(self, what, unit, scale, ours, theirs, peer, target, at_least=True, inverse=False):
        """A row of costs against costs. The ratio is theirs over ours, or ours over theirs with inverse; its median over
        the runs counts."""
        ratios = [(a / b if inverse else b / a) for a, b in zip(ours, theirs)]
        self.row(what, spread([v * scale for v in ours]) + " " + unit, f"{peer}: {spread([v * scale for v in theirs])} {unit}",
                 ratios, target, at_least)

    def row(self, what, ours, peer, ratios, target, at_least=True, percent=False):
        """A row whose ratios are known; target None is for information."""
        scale, sign = (100, " %") if percent else (1, "×")
        ratio = spread([scale * v for v in ratios]) + sign if ratios else ""
        row = {"what": what, "ours": ours, "peer": peer, "ratio": ratio, "target": "", "verdict": ""}
        if target is not None:
            value = statistics.median(ratios)
            row["target"] = f"{'≥' if at_least else '≤'} {short(scale * target)}{sign}"
            row["verdict"] = "pass" if (value >= target if at_least else value <= target) else "MISS"
        self.rows.append(row)

    def check(self, what, ours, target, ok):
        self.rows.append({"what": what, "ours": ours, "peer": "", "ratio": "", "target": target, "verdict": "pass" if ok else "MISS"})

    def note(self, text):
        self.notes.append(text)

    def finish(self):
        if self.out:
            with open(self.out, "a") as f:
                f.write(json.dumps({"rows": self.rows, "notes": self.notes}) + "\n")
            return
        sys.exit(show([{"rows": self.rows, "notes": self.notes}]))


def show(reports):
    print("| what | Phasor | instead | ratio | target | verdict |\n|---|---|---|---|---|---|")
    missed = 0
    for r in reports:
        for row in r["rows"]:
            print("| " + " | ".join(row[k] for k in ("what", "ours", "peer", "ratio", "target", "verdict")) + " |")
            missed += row["verdict"] == "MISS"
    for r in reports:
        for note in r["notes"]:
            print("\n" + note)
    return 1 if missed else 0


class Kafka:
    """A Kafka of one node on the last core, by the script of the project's own tests; it ends with the block."""

    def __enter__(self):
        self.home = tempfile.mkdtemp(prefix="phasor-peers-kafka-")
        base = os.path.join(ROOT, "stream", "kafka", "kafkatest")
        for name in ("kafka-local", "pom.xml"):
            shutil.copy(os.path.join(base, name), self.home)
        self.script, self.dir = os.path.join(self.home, "kafka-local"), os.path.join(self.home, "cluster")
        env = {**os.environ, "KAFKA_LOCAL_JAVA_OPTS": "-Xms1g -Xmx1g -XX:+UseSerialGC"}
        for attempt in range(3):
            self.port = free_port()
            done = subprocess.run(["taskset", "-c", str(LAST), "bash", self.script, "start", "--dir", self.dir, "--owner", str(os.getpid()), "--port",
                                   str(self.port), "--set", "log.segment.bytes=1073741824"], env=env, capture_output=True, text=True)
            if done.returncode == 0:
                self.address = f"127.0.0.1:{self.port}"
                return self
            subprocess.run(["bash", self.script, "wipe", "--dir", self.dir])
        raise SystemExit(f"a Kafka does not start: {done.stderr}")

    def __exit__(self, *_):
        subprocess.run(["bash", self.script, "wipe", "--dir", self.dir])
        shutil.rmtree(self.home, True)

    def fill(self, o, topic, partitions, records, kind):
        say(f"writing {records} records to {partitions} partitions of {topic}")
        subprocess.run([o.peers, "fill", "-brokers", self.address, "-topic", topic, "-partitions", str(partitions), "-records", str(records),
                        "-kind", kind], check=True)


class Sketcher:
    """"phasor sketcher" on the first core, in a consumer group and a store of its own. It ends with the block."""

    def __init__(self, o, kafka, topic, features, interval="10s"):
        self.home = tempfile.mkdtemp(prefix="phasor-peers-store-")
        self.group = f"peers-{os.path.basename(self.home)}"
        channels = ", ".join(f"{{name: c{k}}}" for k in range(10))
        config = os.path.join(self.home, "phasor.yaml")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        with open(config, "w") as f:
            f.write(f"store: {self.home}/store\nlisten: 127.0.0.1:{self.port}\nkafka: {{brokers: [\"{kafka.address}\"], group: {self.group}}}\n"
                    f"snapshot: {{interval: {interval}}}\nsketches:\n  - topics: [{topic}]\n    channels: [{channels}]\n    calibrate: {{features: {features}}}\n")
        self.log = open(os.path.join(self.home, "log"), "w+")
        self.process = subprocess.Popen(["taskset", "-c", str(FIRST), o.phasor, "sketcher", "--config", config], stderr=self.log,
                                        env={**os.environ, "GOMAXPROCS": "1"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.home, True)

    def folded(self):
        """Records folded so far, by the metrics; 0 until there are any."""
        if self.process.poll() is not None:
            self.log.seek(0)
            raise SystemExit(f"the sketcher ended with code {self.process.returncode}: {self.log.read()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=30) as page:
                return sum(float(line.rsplit(b" ", 1)[1]) for line in page if line.startswith(b"phasor_sketcher_records_folded_total{"))
        except OSError:
            return 0

    def cpu(self):
        """CPU seconds so far, user and system."""
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def kept_waiting(self):
        """Seconds so far in which its threads could have run and others had the core."""
        total = 0
        for task in os.listdir(f"/proc/{self.process.pid}/task"):
            try:
                with open(f"/proc/{self.process.pid}/task/{task}/schedstat") as f:
                    total += int(f.read().split()[1])
            except OSError:  # The thread has ended, or the kernel keeps no account.
                pass
        return total / 1e9

    def resident(self):
        """Resident set in MiB."""
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:")) / 1024


def free_port():
    """The first of a block of 30 ports of which those that a node needs are free."""
    while True:
        base = 12000 + 30 * random.randrange(600)
        try:
            for port in (base, base + 10):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return base
        except OSError:
            continue


def usage_of(command, quiet=False):
    """Runs a command on the first core to its end and returns its output (none if quiet) and its CPU seconds, user and
    system, from the kernel's own account of the process."""
    p = subprocess.Popen(["taskset", "-c", str(FIRST), *command], stdout=subprocess.DEVNULL if quiet else subprocess.PIPE, env={**os.environ, **THREADS})
    out = None if quiet else p.stdout.read()
    _, status, used = os.wait4(p.pid, 0)
    p.returncode = os.waitstatus_to_exitcode(status)
    if p.returncode:
        raise SystemExit(f"{command}: ended with code {p.returncode}")
    return out, used.ru_utime + used.ru_stime


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        sys.exit(show([json.loads(line) for line in f]))
