import type { Appeal } from '@trainyard/contract'
import { TextArea } from '../components/form.tsx'
import { t } from '../words/t.ts'

/** A moderator decides here, below the findings. There is no decision from the list. */
export function DecideForm({ appeal }: { appeal: Appeal }) {
  return (
    <section aria-labelledby="decide">
      <h2 id="decide">{t('Decide this review')}</h2>
      <p class="muted">
        {t(
          'If you approve, the version is checked again, its findings no longer reject it, and everybody can read your note. If you refuse, it stays rejected, and its owner reads your note.',
        )}
      </p>
      <form class="stacked" method="post" action={`/pushes/${encodeURIComponent(appeal.checkId)}/decide`}>
        <input type="hidden" name="appeal" value={appeal.id} />
        <TextArea name="note" label={t('Your note')} minlength={10} maxlength={2000} />
        <div class="field">
          <label for="verb">{t('Decision')}</label>
          <select id="verb" name="verb" required>
            <option value="">{t('Choose')}</option>
            <option value="refuse">{t('Refuse: it stays rejected')}</option>
            <option value="approve">{t('Approve: it is published with its findings')}</option>
          </select>
        </div>
        <button type="submit">{t('Decide')}</button>
      </form>
    </section>
  )
}
