import { z } from 'zod'
import { CheckScanner } from './findings.ts'
import { Timestamp } from './primitives.ts'

/** The checks that run again on published versions: their scanners have databases that change. */
export const RescannedCheck = z.enum(['malware', 'vulnerabilities'])
export type RescannedCheck = z.infer<typeof RescannedCheck>

/** `POST /v1/rescans`, by an operator */
export const StartRescanRequest = z
  .strictObject({ check: RescannedCheck.optional().describe('Default: every scanner') })
  .meta({ id: 'StartRescanRequest' })
export type StartRescanRequest = z.infer<typeof StartRescanRequest>

/** How far the published versions were scanned again. */
export const RescanStatus = z
  .object({
    scanners: z.array(
      z.object({
        check: RescannedCheck,
        scanner: CheckScanner.optional().describe('Absent: no scanner answers'),
        reason: z.string().optional().describe('Why no scanner answers'),
        waiting: z.number().int().describe('Published parts that wait to be scanned'),
        lastHour: z.number().int().describe('Parts that were scanned again within the last hour'),
        lastAt: Timestamp.optional(),
        found: z.number().int().describe('Published parts with findings that were not known when they were published'),
      }),
    ),
    perHour: z.number().int().describe('How many parts are scanned again in an hour'),
  })
  .meta({ id: 'RescanStatus' })
export type RescanStatus = z.infer<typeof RescanStatus>
