import { z } from 'zod'
import type { Received } from './receiver.ts'

const Attribute = z.object({ key: z.string(), value: z.object({ stringValue: z.string().optional() }) })

/** `ExportTraceServiceRequest` in the JSON form of OTLP: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
const Export = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: z.array(Attribute) }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z.string().optional(),
              name: z.string(),
              startTimeUnixNano: z.string(),
              endTimeUnixNano: z.string(),
              attributes: z.array(Attribute).default([]),
              status: z.object({ code: z.number().optional() }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
})
export type ReceivedSpan = z.infer<typeof Export>['resourceSpans'][number]['scopeSpans'][number]['spans'][number]

/** All spans that a collector received, in order. */
export function readSpans(received: readonly Received[]): ReceivedSpan[] {
  return received.flatMap(({ text }) =>
    Export.parse(JSON.parse(text)).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
  )
}
