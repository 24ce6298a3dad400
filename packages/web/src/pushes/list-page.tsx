import type { PushList } from '@trainyard/contract'
import { VersionStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { plural } from '../format.ts'
import { PeopleLayout } from '../people/people-layout.tsx'

export interface PushListPageProps {
  assetUrl: (name: string) => string
  list: PushList
  /** How many reviews wait for a decision, if the viewer is a moderator. */
  reviews: number | undefined
  now: Date
}

/** The viewer's pushes, of `docker push` as well as of `trainyard publish`. */
export function PushListPage({ assetUrl, list, reviews, now }: PushListPageProps) {
  return (
    <PeopleLayout
      assetUrl={assetUrl}
      part="pushes"
      title="Pushes"
      lead="What was pushed to your namespaces, and the results of its checks."
    >
      {reviews !== undefined && (
        <p>
          <a href="/pushes/reviews">
            {reviews === 0 ? 'No review is waiting' : `${plural(reviews, 'review')} to decide`}
          </a>
        </p>
      )}
      {list.pushes.length === 0 ? (
        <p class="muted">
          Nothing was pushed yet. Publish a trainer with <code>trainyard publish</code> or <code>docker push</code>.
        </p>
      ) : (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">Trainer</th>
                <th scope="col">State</th>
                <th scope="col">Findings</th>
                <th scope="col">Pushed</th>
              </tr>
            </thead>
            <tbody>
              {list.pushes.map((push) => (
                <tr>
                  <th scope="row">
                    <a href={`/pushes/${encodeURIComponent(push.id)}`}>
                      {push.trainer}:{push.version}
                    </a>
                    <span class="sub">{push.kind}</span>
                  </th>
                  <td>
                    <VersionStateStatus state={push.state} />
                    {push.running !== undefined && <span class="sub">{push.running}</span>}
                    {push.reason !== undefined && <span class="sub">{push.reason}</span>}
                  </td>
                  <td>
                    {push.errors + push.warnings === 0
                      ? '–'
                      : `${plural(push.errors, 'error')}, ${plural(push.warnings, 'warning')}`}
                  </td>
                  <td>
                    <RelativeTime at={push.createdAt} now={now} />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {list.nextCursor !== undefined && (
        <p>
          <a href={`/pushes?cursor=${encodeURIComponent(list.nextCursor)}`}>Older pushes</a>
        </p>
      )}
    </PeopleLayout>
  )
}
