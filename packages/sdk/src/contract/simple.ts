import { z } from 'zod'
import { Metrics } from './primitives.ts'

/** The simple endpoints (`CONTRACT.md` section 7), for trainers written with curl-level tools. */
export const SimpleHeartbeatRequest = z.looseObject({
  epoch: z.number().int().nonnegative().optional(),
  total_epochs: z.number().int().nonnegative().optional(),
  step: z.number().int().nonnegative().optional(),
  total_steps: z.number().int().nonnegative().optional(),
  progress: z.number().min(0).max(100).optional().describe('Per cent'),
  metrics: Metrics.optional(),
  trace_id: z.string().optional(),
})

/** `should_continue: false` asks the trainer to stop. */
export const SimpleHeartbeatResponse = z.object({ status: z.string(), should_continue: z.boolean() })

/** A log line, at the simple endpoints. */
export const SimpleEventRequest = z.looseObject({
  level: z.string().default('info'),
  event_type: z.string().max(100).optional(),
  message: z.string().default(''),
  data: z.record(z.string(), z.unknown()).optional(),
})

/** The end of the job, at the simple endpoints. */
export const SimpleDoneRequest = z.looseObject({
  status: z.enum(['completed', 'succeeded', 'success', 'failed', 'error', 'cancelled']),
  error: z.string().nullish(),
  final_metrics: Metrics.optional(),
  artifacts: z.array(z.unknown()).optional(),
  training_time_seconds: z.number().nonnegative().optional(),
})
