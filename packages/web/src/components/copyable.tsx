import { t } from '../words/t.ts'
/** A command with a copy button. The button is shown when scripts run. */
export function Copyable({ text, label }: { text: string; label: string }) {
  return (
    <div class="copyable">
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for form controls; this can scroll and needs focus and a name */}
      <pre tabindex={0} role="group" aria-label={label}>
        <code>{text}</code>
      </pre>
      <button type="button" class="quiet" data-copy="" hidden aria-label={t('Copy: {label}', { label })}>
        {t('Copy')}
      </button>
    </div>
  )
}
