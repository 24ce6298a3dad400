{{- define "trainyard.labels" -}}
app.kubernetes.io/name: trainyard
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* (dict "root" . "name" "registry") */}}
{{- define "trainyard.selector" -}}
app.kubernetes.io/name: trainyard
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .name }}
{{- end }}

{{- define "trainyard.image" -}}
{{- $i := .Values.image -}}
{{- if $i.digest }}{{ $i.repository }}@{{ $i.digest }}{{ else }}{{ $i.repository }}:{{ $i.tag | default .Chart.AppVersion }}{{ end -}}
{{- end }}

{{- define "trainyard.secretName" -}}
{{ .Values.existingSecret | default (printf "%s-secrets" .Release.Name) }}
{{- end }}

{{- define "trainyard.port" -}}
{{ get (dict "registry" 7600 "runner" 7601 "web" 7602) . }}
{{- end }}

{{- define "trainyard.s3Endpoint" -}}
{{- if .Values.minio.enabled }}http://{{ .Release.Name }}-minio.{{ .Release.Namespace }}.svc:9000
{{- else }}{{ required "objectStore.endpoint is empty; expected the address of an S3 server, or minio.enabled=true for trying" .Values.objectStore.endpoint }}{{ end }}
{{- end }}

{{- define "trainyard.podSecurity" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "trainyard.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* The variables of one server: (dict "root" . "name" "registry") */}}
{{- define "trainyard.env" -}}
{{- $v := .root.Values -}}
{{- $release := .root.Release.Name -}}
{{- $namespace := .root.Release.Namespace -}}
{{- $s3 := include "trainyard.s3Endpoint" .root -}}
{{- $egress := prepend $v.runner.egress (printf "%s:7601" $v.runner.podNetwork) -}}
{{- if $v.minio.enabled }}{{ $egress = append $egress (printf "%s:9000" $v.runner.podNetwork) }}{{ end -}}
{{- $all := dict
  "HOST" "0.0.0.0"
  "PORT" (include "trainyard.port" .name)
  "AUTH" "required"
  "ALLOW_SIGNUP" ($v.auth.allowSignup | toString)
  "TRUSTED_PROXIES" $v.auth.trustedProxies
  "PUBLIC_URL" $v.publicUrl
  "PAGES_URL" $v.publicUrl
  "REGISTRY_URL" (printf "http://%s-registry:7600" $release)
  "RUNNER_URL" (printf "http://%s-runner:7601" $release)
  "S3_ENDPOINT" $s3
  "S3_PUBLIC_ENDPOINT" ($v.objectStore.publicEndpoint | default $s3)
  "S3_BUCKET" $v.objectStore.bucket
  "AWS_REGION" $v.objectStore.region
  "DATA_DIR" "/data" -}}
{{- $own := dict -}}
{{- if eq .name "registry" -}}
{{- $own = dict "REGISTRY_CHECKS_ENABLED" $v.registry.checks "REGISTRY_CHECKS_REQUIRED" "manifest,image,secrets" "REGISTRY_RUNNERS" (printf "http://%s-runner:7601" $release) -}}
{{- else if eq .name "runner" -}}
{{- $own = dict
  "LAUNCHER" "kubernetes"
  "REPORT_RUNS" "true"
  "KUBERNETES_NAMESPACE" $v.runner.trainers.namespace
  "KUBERNETES_CLUSTER" "in-cluster"
  "KUBERNETES_BRIDGE_IMAGE" (include "trainyard.image" .root)
  "KUBERNETES_EGRESS" (join "," $egress)
  "KUBERNETES_IMAGE_PULL_SECRETS" (join "," $v.image.pullSecrets)
  "CALLBACK_PUBLIC_URL" (printf "http://%s-runner.%s.svc:7601" $release $namespace)
  "MAX_CONCURRENT_JOBS" ($v.runner.maxConcurrentJobs | toString) -}}
{{- end -}}
{{- $env := mergeOverwrite (dict) $all $own $v.env (get $v .name).env -}}
{{- range $name, $value := $env }}
- { name: {{ $name }}, value: {{ $value | toString | quote }} }
{{- end }}
{{- end }}
