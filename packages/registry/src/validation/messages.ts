import { CheckPhase, CheckResult, TrainerManifest, ValidationReport } from '@trainyard/contract'
import { z } from 'zod'

/** Messages to the worker. */
export const ToWorker = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('validate'),
    dir: z.string(),
    image: z
      .object({
        loaded: z.object({
          id: z.string(),
          platform: z.string(),
          others: z.array(z.string()),
          manifest: TrainerManifest,
        }),
        env: z.record(z.string(), z.string()),
        instanceId: z.string(),
      })
      .optional(),
    phases: z.array(CheckPhase),
    databaseUrl: z.string(),
    timeoutMs: z.number(),
    sandbox: z.object({
      choice: z.enum(['auto', 'required', 'off']),
      hiddenDirs: z.array(z.string()),
      readPaths: z.array(z.string()),
      allowUnsandboxed: z.boolean(),
    }),
  }),
  z.object({ type: z.literal('stop') }),
])
export type ToWorker = z.infer<typeof ToWorker>

/** Messages from the worker. It runs untrusted code in child processes, so the registry parses what it sends. */
export const FromWorker = z.discriminatedUnion('type', [
  z.object({ type: z.literal('check'), check: CheckResult }),
  z.object({ type: z.literal('report'), report: ValidationReport }),
  z.object({ type: z.literal('error'), message: z.string() }),
])
export type FromWorker = z.infer<typeof FromWorker>
