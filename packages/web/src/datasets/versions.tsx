import type { DatasetVersionList } from '@trainyard/contract'
import { Scroll } from '../components/scroll.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatCount } from '../format.ts'

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
      <h2 id="versions">Versions</h2>
      <Scroll label="Versions of the dataset">
        <table>
          <thead>
            <tr>
              <th scope="col">Version</th>
              <th scope="col">What changed</th>
              <th scope="col" class="number">
                Images
              </th>
              <th scope="col" class="number">
                Objects
              </th>
              <th scope="col">Added</th>
              <th scope="col">Compare</th>
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
                  <bdi>{message ?? (version === 1 ? 'First version' : '–')}</bdi>
                </td>
                <td class="number">{formatCount(counts.images)}</td>
                <td class="number">{formatCount(counts.annotations)}</td>
                <td>
                  <RelativeTime at={createdAt} now={now} />
                </td>
                <td>
                  {version > 1 && (
                    <a href={`/datasets/${id}@${version}/diff`} aria-label={`Version ${version} with ${version - 1}`}>
                      with {version - 1}
                    </a>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
      {list.nextCursor !== undefined && <p class="muted">Older versions are not listed.</p>}
    </section>
  )
}
