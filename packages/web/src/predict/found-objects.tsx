import type { PredictedObject } from '@trainyard/contract'
import { formatCount, plural } from '../format.ts'
import { shapesOf } from '../jobs/shapes.ts'
import { t } from '../words/t.ts'

/** More make the page slow. They are in the JSON. */
const OBJECTS_DRAWN = 500
const OBJECTS_LISTED = 100

interface FoundProps {
  objects: readonly PredictedObject[]
  /** Objects of a lower confidence are hidden. Scripts change it. */
  threshold: number
}

const surestFirst = (objects: readonly PredictedObject[]) => objects.toSorted((a, b) => b.confidence - a.confidence)
const hiddenBelow = ({ confidence }: PredictedObject, threshold: number): string =>
  confidence < threshold ? ' below' : ''

/** Boxes, masks and keypoints over a picture whose size is known. */
export function DrawnObjects({ objects, threshold, width, height }: FoundProps & { width: number; height: number }) {
  return (
    <svg class="overlay fitted" viewBox={`0 0 ${width} ${height}`} aria-hidden="true" preserveAspectRatio="none">
      {surestFirst(objects)
        .slice(0, OBJECTS_DRAWN)
        .map((object) => (
          <g
            class={`line-${object.classId % 6}${hiddenBelow(object, threshold)}`}
            data-confidence={String(object.confidence)}
          >
            <title>{`${object.className} ${percent(object.confidence)}`}</title>
            {shapesOf(object).map((shape) => {
              if (shape.kind === 'polygon') return <polygon class="mask" points={shape.points} />
              if (shape.kind === 'points')
                return shape.points.map(([x, y]) => <path class="keypoint" d={`M${x} ${y}h0`} />)
              const { x, y, width: wide, height: high } = shape
              return <rect x={String(x)} y={String(y)} width={String(wide)} height={String(high)} />
            })}
          </g>
        ))}
    </svg>
  )
}

/** The same in words and with a bar for each confidence, the surest first. */
export function ObjectList({ objects, threshold }: FoundProps) {
  if (objects.length === 0) return <p class="muted">{t('The trainer found nothing.')}</p>
  const rest = objects.length - OBJECTS_LISTED
  return (
    <>
      <ol class="found-list">
        {surestFirst(objects)
          .slice(0, OBJECTS_LISTED)
          .map((object) => (
            <li
              class={`line-${object.classId % 6}${hiddenBelow(object, threshold)}`}
              data-confidence={String(object.confidence)}
            >
              <bdi>{object.className}</bdi>
              <svg class="found-bar" viewBox="0 0 100 10" aria-hidden="true" preserveAspectRatio="none">
                <rect class="bar-track" width="100" height="10" />
                <rect class="found-value" width={String(Math.round(object.confidence * 100))} height="10" />
              </svg>
              <span class="found-number">{percent(object.confidence)}</span>
            </li>
          ))}
      </ol>
      {rest > 0 && (
        <p class="muted">{plural(rest, '{count} more object, in the JSON', '{count} more objects, in the JSON')}</p>
      )}
    </>
  )
}

const percent = (share: number): string => `${formatCount(Math.round(share * 1000) / 10)} %`
