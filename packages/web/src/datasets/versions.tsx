import type { DatasetVersionList } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount } from '../format.ts'
import { t } from '../words/t.ts'

interface VersionsProps {
  /** The version that the page is about. */
  shown: number
  list: DatasetVersionList
  now: Date
}

/** The versions of a dataset with their messages, newest first. */
export function Versions({ shown, list, now }: VersionsProps) {
  return (
    <section aria-labelledby="versions">
      <h2 id="versions">{t('Versions')}</h2>
      <Scroll label={t('Versions of the dataset')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('Version')}</th>
              <th scope="col">{t('What changed')}</th>
              <th scope="col" class="number">
                {t('Images')}
              </th>
              <th scope="col" class="number">
                {t('Objects')}
              </th>
              <th scope="col">{t('Added')}</th>
              <th scope="col">{t('Compare')}</th>
            </tr>
          </thead>
          <tbody>
            {list.versions.map(({ id, version, message, counts, createdAt }) => (
              <tr>
                <th scope="row">
                  <a href={`/datasets/${id}@${version}`} aria-current={version === shown ? 'page' : undefined}>
                    {version}
                  </a>
                </th>
                <td>
                  <bdi>{message ?? (version === 1 ? t('First version') : '–')}</bdi>
                </td>
                <td class="number">{formatCount(counts.images)}</td>
                <td class="number">{formatCount(counts.annotations)}</td>
                <td>
                  <RelativeTime at={createdAt} now={now} />
                </td>
                <td>
                  {version > 1 && (
                    <a
                      href={`/datasets/${id}@${version}/diff`}
                      aria-label={t('Version {version} with {count}', { version, count: version - 1 })}
                    >
                      {t('with {count}', { count: version - 1 })}
                    </a>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {list.nextCursor !== undefined && <p class="muted">{t('Older versions are not listed.')}</p>}
    </section>
  )
}
