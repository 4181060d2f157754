{{- /* The pod of a role; takes a dict of root, role, values and args. */}}
{{- define "phasor.pod" -}}
{{- $root := .root }}
metadata:
  labels:
    {{- include "phasor.selector" $root | nindent 4 }}
    app.kubernetes.io/component: {{ .role }}
    {{- with $root.Values.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    checksum/config: {{ include "phasor.config" $root | sha256sum }}
    {{- with $root.Values.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "phasor.serviceAccount" $root }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: 60
  {{- with $root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    fsGroupChangePolicy: OnRootMismatch
    seccompProfile: {type: RuntimeDefault}
  containers:
    - name: {{ .role }}
      image: {{ include "phasor.image" $root | quote }}
      imagePullPolicy: {{ $root.Values.image.pullPolicy }}
      args:
        - {{ .role }}
        - --config=/etc/phasor/phasor.yaml
        - --listen=:9464
        {{- range concat .args .values.extraArgs }}
        - {{ . | quote }}
        {{- end }}
      env:
        - {name: GOMEMLIMIT, value: {{ .values.goMemLimit | quote }}}
        {{- with $root.Values.extraEnv }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      ports:
        - {name: http, containerPort: 9464}
      startupProbe:
        {{- include "phasor.probe" (list $root "/livez") | nindent 8 }}
        periodSeconds: 2
        failureThreshold: 60
      livenessProbe:
        {{- include "phasor.probe" (list $root "/livez") | nindent 8 }}
        periodSeconds: 10
        timeoutSeconds: 5
        failureThreshold: 3
      readinessProbe:
        {{- include "phasor.probe" (list $root "/readyz") | nindent 8 }}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .values.resources | nindent 8 }}
      securityContext:
        allowPrivilegeEscalation: false
        readOnlyRootFilesystem: true
        capabilities: {drop: [ALL]}
      volumeMounts:
        - {name: config, mountPath: /etc/phasor, readOnly: true}
        - {name: tmp, mountPath: /tmp}
        - {name: store, mountPath: /var/lib/phasor}
        {{- if $root.Values.kafkaPassword.existingSecret }}
        - {name: kafka, mountPath: /run/secrets/kafka, readOnly: true}
        {{- end }}
        {{- range $name := list "web" "integrity" }}
        {{- if (get $root.Values $name).existingSecret }}
        - {name: {{ $name }}, mountPath: /run/secrets/{{ $name }}, readOnly: true}
        {{- end }}
        {{- end }}
        {{- with $root.Values.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "phasor.fullname" $root }}}
    - name: tmp
      emptyDir: {sizeLimit: 64Mi}
    - name: store
      {{- if $root.Values.store.url }}
      emptyDir: {sizeLimit: 64Mi}
      {{- else }}
      persistentVolumeClaim: {claimName: {{ $root.Values.store.volume.existingClaim | default (printf "%s-store" (include "phasor.fullname" $root)) }}}
      {{- end }}
    {{- if $root.Values.kafkaPassword.existingSecret }}
    - name: kafka
      secret:
        secretName: {{ $root.Values.kafkaPassword.existingSecret }}
        items: [{key: {{ $root.Values.kafkaPassword.key }}, path: password}]
    {{- end }}
    {{- with $root.Values.web.existingSecret }}
    - name: web
      secret: {secretName: {{ . }}, defaultMode: 0440}
    {{- end }}
    {{- with $root.Values.integrity }}
    {{- if .existingSecret }}
    - name: integrity
      secret: {secretName: {{ .existingSecret }}, defaultMode: 0440, items: [{key: {{ .key }}, path: keys}]}
    {{- end }}
    {{- end }}
    {{- with $root.Values.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- range $key := list "nodeSelector" "tolerations" "affinity" "topologySpreadConstraints" }}
  {{- with get $.values $key }}
  {{ $key }}:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
{{- end }}

{{- /* The request of a probe; takes a list of root and path. */}}
{{- define "phasor.probe" -}}
httpGet: {path: {{ index . 1 }}, port: http{{ if (index . 0).Values.web.tls }}, scheme: HTTPS{{ end }}}
{{- end }}
