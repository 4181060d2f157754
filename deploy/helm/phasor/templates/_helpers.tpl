{{- define "phasor.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 50 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "phasor.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "phasor.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{ include "phasor.selector" . }}
{{- end }}

{{- define "phasor.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "phasor.fullname" .) }}{{ else }}{{ .Values.serviceAccount.name | default "default" }}{{ end }}
{{- end }}

{{- define "phasor.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}{{ else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end }}

{{- define "phasor.store" -}}
{{- if .Values.store.url }}{{ .Values.store.url }}{{ else if .Values.store.volume.enabled }}/var/lib/phasor{{ else }}{{ fail "no store: set store.url, or store.volume.enabled for a ReadWriteMany volume" }}{{ end }}
{{- end }}

{{- /* The names of the sketches, as a JSON list. */}}
{{- define "phasor.sketches" -}}
{{- $names := list }}
{{- range .Values.config.sketches }}
{{- $names = append $names (.name | default (first .topics)) }}
{{- end }}
{{- toJson $names }}
{{- end }}

{{- /* The sketch of the API. */}}
{{- define "phasor.served" -}}
{{- $names := include "phasor.sketches" . | fromJsonArray }}
{{- $name := .Values.serve.sketch | default (first $names) }}
{{- if and $names (not (has $name $names)) }}{{ fail (printf "serve.sketch is %q, which is not among config.sketches: %s" $name (join ", " $names)) }}{{ end }}
{{- $name }}
{{- end }}

{{- /* The configuration file. What has no default is asked for here and not in the schema, so that the bare chart lints. */}}
{{- define "phasor.config" -}}
{{- $config := deepCopy .Values.config }}
{{- if not $config.kafka.brokers }}{{ fail "no brokers: set config.kafka.brokers to a list of host:port" }}{{ end }}
{{- if not $config.sketches }}{{ fail "no sketches: set config.sketches to a list with topics and channels" }}{{ end }}
{{- if .Values.kafkaPassword.existingSecret }}
{{- if not (dig "kafka" "sasl" "user" "" $config) }}{{ fail "kafkaPassword.existingSecret is set, and config.kafka.sasl.user is not" }}{{ end }}
{{- $_ := set $config.kafka.sasl "password_file" "/run/secrets/kafka/password" }}
{{- end }}
{{- with .Values.web }}
{{- if .existingSecret }}
{{- $_ := set $config "web" (dict "config" (printf "/run/secrets/web/%s" .key)) }}
{{- else if .tls }}{{ fail "web.tls is set, and web.existingSecret is not: nothing would speak https" }}
{{- end }}
{{- end }}
{{- with .Values.integrity }}
{{- if .existingSecret }}
{{- $_ := set $config "integrity" (dict "key_file" "/run/secrets/integrity/keys" "allow_unsigned" .allowUnsigned) }}
{{- end }}
{{- end }}
{{- $_ := set $config "store" (include "phasor.store" .) }}
{{- toYaml $config }}
{{- end }}
