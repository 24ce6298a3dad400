import { z } from 'zod'

/** What the rows of a usage report stand for. */
export const UsageBy = z.enum(['organisation', 'project', 'person', 'trainer', 'queue', 'day'])
export type UsageBy = z.infer<typeof UsageBy>

const Amount = z.number().nonnegative()

const Figures = {
  attempts: z.number().int().nonnegative().describe('Attempts that began to run'),
  runSeconds: Amount.describe('Time that trainers ran'),
  gpuSeconds: Amount.describe('The same, times the number of GPUs that the job reserved'),
  cpuSeconds: Amount.describe('CPU time: what the trainer declares, or what was measured if that is more'),
  storageGbMonths: Amount.describe(
    'Artifacts and uploaded datasets: 1 GB (10⁹ bytes) that is stored for 730 hours is 1',
  ),
  uploadedBytes: Amount.describe('Artifacts and datasets that were stored'),
  downloadedBytes: Amount.describe('Artifacts whose download began, and checkpoints for trainers, in full size'),
  cost: Amount.optional().describe('By the prices of the installation. Absent without prices'),
}

/** `GET /v1/usage?by=&from=&to=&project=&all=` */
export const UsageReport = z
  .object({
    by: UsageBy,
    from: z.iso.date(),
    to: z.iso.date().describe('The last day, included. Days are in UTC'),
    currency: z.string().optional().describe('Absent without prices'),
    rows: z
      .array(
        z.object({
          key: z.string().describe('Name of the organisation, project, trainer or queue, id of the person, or the day'),
          name: z.string().optional().describe('Of a person. An empty key is what belongs to no person or trainer'),
          ...Figures,
        }),
      )
      .describe('Days in their order, everything else by cost, then GPU time. At most 1,000'),
    rowsLeftOut: z.number().int().nonnegative(),
    total: z.object(Figures).describe('Of all rows, including those left out'),
    countedUntil: z.iso
      .datetime()
      .optional()
      .describe('Storage is counted until then. Attempts are also counted when they end'),
  })
  .meta({ id: 'UsageReport' })
export type UsageReport = z.infer<typeof UsageReport>
export type UsageFigures = UsageReport['total']
