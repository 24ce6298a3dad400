import type { Job } from '@trainyard/contract'
import { ConfirmDialog } from '../components/form.tsx'
import { t } from '../words/t.ts'

export const CANCEL_DIALOG = 'cancel-dialog'
export const RESTART_DIALOG = 'restart-dialog'
export const DELETE_DIALOG = 'delete-dialog'

/** The questions before the actions of a job. All are in the page, because a live page changes its state. */
export function JobDialogs({ job }: { job: Job }) {
  const path = `/jobs/${job.id}`
  return (
    <>
      <ConfirmDialog
        id={CANCEL_DIALOG}
        action={`${path}/cancel`}
        verb={t('Cancel job')}
        question={t('Cancel this job?')}
        keep={t('Keep it running')}
      >
        <p>{t('The trainer is asked to stop. Saved checkpoints are kept, and the job can be restarted.')}</p>
      </ConfirmDialog>
      <ConfirmDialog
        id={RESTART_DIALOG}
        action={`${path}/restart`}
        verb={t('Restart job')}
        question={t('Restart this job?')}
        keep={t('Leave it as it is')}
        look="plain"
        fields={
          <label class="dialog-choice">
            <input type="checkbox" name="fresh" value="yes" />
            {t('Start from the beginning, without the last checkpoint')}
          </label>
        }
      >
        <p>
          {t(
            'A new attempt runs with the same settings and continues from the last checkpoint. The curves, the log and the files of earlier attempts are kept, and this page can show them. The result of the job is replaced.',
          )}
        </p>
      </ConfirmDialog>
      <ConfirmDialog
        id={DELETE_DIALOG}
        action={`${path}/delete`}
        verb={t('Delete job')}
        question={t('Delete job {id}?', { id: job.id })}
        keep={t('Keep it')}
      >
        <p>
          {t(
            'Its checkpoints, files, metrics and log are deleted. This cannot be undone. Jobs that started from one of its checkpoints keep their own files.',
          )}
        </p>
      </ConfirmDialog>
    </>
  )
}
