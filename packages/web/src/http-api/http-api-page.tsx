import { Layout } from '../components/layout.tsx'
import { t } from '../words/t.ts'
import type { Operation } from './operations.ts'

export interface HttpApiPageProps {
  assetUrl: (name: string) => string
  operations: readonly Operation[]
  /** The tag whose operations are shown. */
  tag: string
}

/** Every operation of the HTTP APIs, with a form that sends it to this platform. */
export function HttpApiPage({ assetUrl, operations, tag }: HttpApiPageProps) {
  const tags = [...new Set(operations.map((operation) => operation.tag))]
  return (
    <Layout assetUrl={assetUrl} title={t('HTTP API')} scripts={['http-api.js']}>
      <h1>{t('HTTP API')}</h1>
      <p class="lead">
        {t('Requests are sent to this platform and change its data. Texts of the API are in English.')}
      </p>
      <nav class="http-api-tags" aria-label={t('Parts of the API')}>
        {tags.map((each) => (
          <a href={`/openapi?tag=${encodeURIComponent(each)}`} aria-current={each === tag ? 'page' : undefined}>
            {each}
          </a>
        ))}
      </nav>
      <div class="field http-api-token">
        <label for="token">{t('Token')}</label>
        <input id="token" type="password" autocomplete="off" spellcheck={false} aria-describedby="token-hint" />
        <p class="muted" id="token-hint">
          {t('Sent with each request, and kept on this page only.')} <a href="/account/tokens">{t('Create a token')}</a>
        </p>
      </div>
      <noscript>
        <p>{t('Sending requests needs JavaScript.')}</p>
      </noscript>
      <div lang="en">
        {operations
          .filter((operation) => operation.tag === tag)
          .map((operation, index) => (
            <OperationForm operation={operation} id={`operation-${index}`} />
          ))}
      </div>
    </Layout>
  )
}

function OperationForm({ operation, id }: { operation: Operation; id: string }) {
  const { method, path, summary, description, parameters, body } = operation
  return (
    <details class="http-api-operation">
      <summary>
        <code class="http-api-method">{method}</code> <code>{path}</code> <span>{summary}</span>
      </summary>
      {description !== undefined && <p>{description}</p>}
      <form data-method={method} data-path={path} data-content-type={body?.contentType}>
        {parameters.map(({ name, in: place, isRequired, meaning }) => (
          <div class="field">
            <label for={`${id}-${name}`}>
              <code>{name}</code> <span class="muted">{place}</span>
            </label>
            <input
              id={`${id}-${name}`}
              name={name}
              data-in={place}
              required={isRequired}
              autocomplete="off"
              aria-describedby={meaning === '' ? undefined : `${id}-${name}-hint`}
            />
            {meaning !== '' && (
              <p class="muted" id={`${id}-${name}-hint`}>
                {meaning}
              </p>
            )}
          </div>
        ))}
        {body !== undefined && (
          <div class="field">
            <label for={`${id}-body`}>
              {t('Body')} <code>{body.contentType}</code>
            </label>
            <textarea id={`${id}-body`} name="body" data-in="body" rows={8} spellcheck={false}>
              {body.example}
            </textarea>
          </div>
        )}
        <button type="submit">{t('Send')}</button>
        <output class="http-api-answer" />
      </form>
    </details>
  )
}
