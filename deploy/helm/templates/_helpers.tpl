{{- define "bridge.name" -}}
{{- if eq .Release.Name .Chart.Name }}{{ .Release.Name }}{{ else }}{{ printf "%s-bridge" .Release.Name | replace "-bridge-bridge" "-bridge" | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "bridge.labels" -}}
app.kubernetes.io/name: elevenlabs-scim-bridge
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "bridge.selector" -}}
app.kubernetes.io/name: elevenlabs-scim-bridge
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: bridge
{{- end }}

{{- define "front.selector" -}}
app.kubernetes.io/name: elevenlabs-scim-bridge
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: front
{{- end }}

{{- define "image" -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag }}{{ end }}
{{- end }}

{{- define "pod.security" -}}
runAsNonRoot: true
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "container.security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}
