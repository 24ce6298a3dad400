import {
  type DatasetClass,
  type DatasetImage,
  type ImageObject,
  MAX_PICTURE_BYTES,
  MAX_PICTURE_PIXELS,
} from '@trainyard/contract'
import { plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { t } from '../words/t.ts'
import { classColour } from './class-colour.ts'

interface DrawnImageProps {
  datasetId: string
  image: DatasetImage
  classes: ReadonlyMap<number, DatasetClass>
}

const SHOWN_CLASSES = 3

/** An image with the boxes, outlines and keypoints on it. The browser decodes the picture; the drawing is ours. */
export function DrawnImage({ datasetId, image, classes }: DrawnImageProps) {
  const { path, width, height, objects, classIds } = image
  const src = withQuery(`/datasets/${datasetId}/picture`, { path })
  // As the server refuses them, so that no broken picture is shown.
  const isLarge = image.sizeBytes > MAX_PICTURE_BYTES || (width ?? 0) * (height ?? 0) > MAX_PICTURE_PIXELS
  const names = classIds
    .slice(0, SHOWN_CLASSES)
    .map((id) => classes.get(id)?.name ?? t('class {chosen}', { chosen: id }))
  const more = classIds.length - names.length
  const content = image.labelled
    ? [...names, ...(more > 0 ? [t('{count} more', { count: more })] : [])].join(', ') || t('no object')
    : t('not labelled')
  return (
    <li class="tile">
      <a class="tile-picture" href={src} tabindex={isLarge ? -1 : undefined}>
        {isLarge ? (
          <span class="tile-large">
            {t('Too large to draw')}
            {width !== undefined && height !== undefined && `: ${width} × ${height} px`}
          </span>
        ) : (
          <img src={src} alt={`${path}: ${content}`} loading="lazy" decoding="async" width={200} height={200} />
        )}
        {width !== undefined && height !== undefined && objects !== undefined && (
          <svg viewBox={`0 0 ${width} ${height}`} aria-hidden="true" focusable="false">
            {objects.map((object) => (
              <DrawnObject
                object={object}
                colour={classColour(classes.get(object.classId) ?? { id: object.classId })}
              />
            ))}
          </svg>
        )}
      </a>
      <p class="tile-name" title={path}>
        <bdi>{path.split('/').at(-1)}</bdi>
      </p>
      <p class="muted tile-facts">
        {[
          image.split,
          objects === undefined || objects.length === 0
            ? undefined
            : plural(objects.length, '{count} object', '{count} objects'),
        ]
          .filter((fact) => fact !== undefined)
          .join(' · ')}
        <span class="tile-classes">
          <bdi>{content}</bdi>
        </span>
      </p>
    </li>
  )
}

function DrawnObject({ object, colour }: { object: ImageObject; colour: string }) {
  const { bbox, polygons = [], keypoints = [] } = object
  const outlines = polygons.filter((ring) => ring.length >= 6)
  return (
    <g stroke={colour} fill={colour}>
      {outlines.map((ring) => (
        <polygon points={ring.join(' ')} fill-opacity="0.3" vector-effect="non-scaling-stroke" />
      ))}
      {bbox !== undefined && outlines.length === 0 && (
        <rect
          x={bbox[0]}
          y={bbox[1]}
          width={Math.max(0, bbox[2])}
          height={Math.max(0, bbox[3])}
          fill-opacity="0.08"
          vector-effect="non-scaling-stroke"
        />
      )}
      {pointsOf(keypoints).map(({ x, y, isVisible }) => (
        // A line without length and with round ends is a dot of the same size on every picture.
        <path class="dot" d={`M${x} ${y}h0`} opacity={isVisible ? '1' : '0.45'} vector-effect="non-scaling-stroke" />
      ))}
    </g>
  )
}

function pointsOf(keypoints: readonly number[]): { x: number; y: number; isVisible: boolean }[] {
  const points = []
  for (let at = 0; at + 2 < keypoints.length; at += 3) {
    const [x = 0, y = 0, v = 0] = keypoints.slice(at, at + 3)
    if (v > 0) points.push({ x, y, isVisible: v > 1 })
  }
  return points
}
