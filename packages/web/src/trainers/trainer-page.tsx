import type { Deprecation, Trainer, TrainerManifest, TrainerUsage, TrainerVersion } from '@trainyard/contract'
import { raw } from 'hono/html'
import { apiWords } from '../components/api-word.ts'
import { Copyable } from '../components/copyable.tsx'
import { Layout } from '../components/layout.tsx'
import { Scroll } from '../components/scroll.tsx'
import { TrustStatus, VersionStateStatus } from '../components/status.tsx'
import { RelativeTime } from '../components/time.tsx'
import { formatBytes, formatCount, plural } from '../format.ts'
import { withQuery } from '../query.ts'
import { reviewsPath } from '../reviews/reviews-page.tsx'
import { RatingSummary } from '../reviews/stars.tsx'
import { Sentence } from '../words/sentence.tsx'
import { t, translate } from '../words/t.ts'
import { Checks } from './checks.tsx'
import { Manage } from './manage.tsx'
import { MAX_README_LENGTH, renderReadme } from './readme.ts'
import { runCommands } from './run-command.ts'
import { listSettings } from './settings.ts'
import { Signatures } from './signatures.tsx'
import { Skipped } from './skipped.tsx'
import { Usage } from './usage.tsx'

interface TrainerPageProps {
  assetUrl: (name: string) => string
  trainer: Trainer
  /** The version shown. Undefined when only the trainer is known. */
  version: TrainerVersion | undefined
  runnerUrl: string
  registryUrl: string
  now: Date
  /** Only for members of the organisation. */
  usage?: TrainerUsage | undefined
  /** Why the owner's form was refused. */
  problem?: string | undefined
  /** The owner's form was accepted. */
  done?: boolean | undefined
}

/** Addresses of the pictures that a README can show. */
function pictureUrls(name: string, version: TrainerVersion | undefined): Map<string, string> {
  const base = `/trainers/${name}/versions/${encodeURIComponent(version?.version ?? '')}/picture`
  return new Map((version?.readmePictures ?? []).map((path) => [path, withQuery(base, { path })]))
}

export function TrainerPage(props: TrainerPageProps) {
  const { assetUrl, trainer, version, runnerUrl, registryUrl, now, usage, problem, done } = props
  const shown = version?.version ?? trainer.latestVersion
  const isLatest = shown === trainer.latestVersion
  const manifest = version === undefined ? trainer.manifest : version.manifest
  const readme = (version?.readme ?? (isLatest ? trainer.readme : undefined)) || undefined
  return (
    <Layout
      assetUrl={assetUrl}
      title={`${trainer.displayName} ${shown}`}
      description={trainer.description}
      section="trainers"
    >
      <div class="page-head">
        <p class="crumbs">
          <a href="/">{t('Trainers')}</a> <span aria-hidden="true">/</span> {trainer.name}
        </p>
        <h1>{manifest?.displayName ?? trainer.displayName}</h1>
        <p class="lead">{manifest?.description ?? trainer.description}</p>
        <p class="headline-facts">
          <span class="version">{shown}</span>
          {version !== undefined && <VersionStateStatus state={version.state} />}
          {version?.trust !== undefined && <TrustStatus tier={version.trust.tier} />}
          {!isLatest && (
            <a href={`/trainers/${trainer.name}`}>
              {t('Latest is {latestVersion}', { latestVersion: trainer.latestVersion })}
            </a>
          )}
        </p>
        {manifest !== undefined && (version === undefined || canTrain(version)) && (
          <p class="head-action">
            <a class="button" href={withQuery('/jobs/new', { trainer: trainer.name, version: shown })}>
              {t('Train')}
            </a>
          </p>
        )}
        {version?.deprecation !== undefined && (
          <DeprecationNotice name={trainer.name} deprecation={version.deprecation} />
        )}
      </div>
      <div class="columns">
        <aside class="side-column" aria-label={t('Facts')}>
          <Facts registryUrl={registryUrl} trainer={trainer} manifest={manifest} version={version} now={now} />
        </aside>
        <div class="main-column">
          {manifest !== undefined && <HowToRun manifest={manifest} runnerUrl={runnerUrl} />}
          <section aria-labelledby="readme">
            <h2 id="readme">{t('About')}</h2>
            {readme === undefined ? (
              <p class="muted">{t('This version has no README.')}</p>
            ) : (
              <>
                <div class="prose">{raw(renderReadme(readme, pictureUrls(trainer.name, version)))}</div>
                {readme.length > MAX_README_LENGTH && (
                  <p class="muted">{t('The README is too long to be shown in full.')}</p>
                )}
              </>
            )}
          </section>
          {manifest !== undefined && <Models manifest={manifest} />}
          {manifest !== undefined && <Settings manifest={manifest} />}
          <section aria-labelledby="checks">
            <h2 id="checks">{t('Checks of {shown}', { shown })}</h2>
            {version?.trust !== undefined && <Skipped trust={version.trust} />}
            <Checks checks={version?.checks ?? []} />
          </section>
          {version !== undefined && version.signatures.length > 0 && <Signatures signatures={version.signatures} />}
          <Versions trainer={trainer} shown={shown} now={now} />
          {usage !== undefined && <Usage usage={usage} />}
          {trainer.mayChange && version !== undefined && (
            <Manage trainer={trainer} version={version} problem={problem} done={done} />
          )}
        </div>
      </div>
    </Layout>
  )
}

/** A version that a job can run. */
const canTrain = ({ state }: TrainerVersion) => state === 'published' || state === 'deprecated'

function DeprecationNotice({ name, deprecation }: { name: string; deprecation: Deprecation }) {
  const { message, replacement } = deprecation
  const href = replacement?.includes('/')
    ? `/trainers/${replacement}`
    : withQuery(`/trainers/${name}`, { version: replacement })
  return (
    <p class="note">
      {t('This version is deprecated: {message}', { message })}
      {replacement !== undefined && (
        <>
          {'. '}
          <Sentence text="Use {link}" link={<a href={href}>{replacement}</a>} />
        </>
      )}
    </p>
  )
}

function HowToRun({ manifest, runnerUrl }: { manifest: TrainerManifest; runnerUrl: string }) {
  const { upload, train } = runCommands(manifest, runnerUrl)
  return (
    <section aria-labelledby="run">
      <h2 id="run">{t('Run it')}</h2>
      <p>
        {t('Register a dataset folder ({datasetFormats}). The response contains its id.', {
          datasetFormats: manifest.datasetFormats.join(', '),
        })}
      </p>
      <Copyable label={t('Register a dataset')} text={upload} />
      <p>
        <Sentence
          text="Then start a job, and follow it in the list of {link}."
          link={<a href={withQuery('/jobs', { trainer: manifest.name })}>{t('jobs')}</a>}
        />
      </p>
      <Copyable label={t('Start a job')} text={train} />
    </section>
  )
}

function Models({ manifest }: { manifest: TrainerManifest }) {
  return (
    <section aria-labelledby="models">
      <h2 id="models">{t('Models')}</h2>
      <Scroll label={t('Table of models')}>
        <table>
          <thead>
            <tr>
              <th scope="col">{t('Model')}</th>
              <th scope="col">{t('Tasks')}</th>
              <th scope="col" class="number">
                {t('Weights')}
              </th>
              <th scope="col" class="number">
                {t('Input')}
              </th>
            </tr>
          </thead>
          <tbody>
            {manifest.models.map((model) => (
              <tr>
                <th scope="row">
                  <code>{model.name}</code>
                  {model.displayName !== undefined && <span class="sub">{model.displayName}</span>}
                </th>
                <td>{apiWords(model.taskTypes)}</td>
                <td class="number">{model.parameters === undefined ? '–' : formatCount(model.parameters)}</td>
                <td class="number">
                  {model.inputSize === undefined ? '–' : t('{inputSize} px', { inputSize: model.inputSize })}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </section>
  )
}

function Settings({ manifest }: { manifest: TrainerManifest }) {
  const settings = listSettings(manifest)
  const groups = [...new Set(settings.map((setting) => setting.group))]
  const presets = Object.keys(manifest.config.presets)
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">{t('Settings')}</h2>
      {settings.length === 0 ? (
        <p class="muted">{t('This trainer declares no settings.')}</p>
      ) : (
        <Scroll label={t('Table of settings')}>
          <table class="settings">
            <thead>
              <tr>
                <th scope="col">{t('Setting')}</th>
                <th scope="col">{t('Default')}</th>
                <th scope="col">{t('Values')}</th>
              </tr>
            </thead>
            {groups.map((group) => (
              <tbody>
                {groups.length > 1 && (
                  <tr class="group">
                    <th scope="rowgroup" colspan={3}>
                      {translate(group)}
                    </th>
                  </tr>
                )}
                {settings
                  .filter((setting) => setting.group === group)
                  .map((setting) => (
                    <tr>
                      <th scope="row">
                        <code>{setting.name}</code>
                        {setting.description !== undefined && <span class="sub">{setting.description}</span>}
                      </th>
                      <td>{setting.defaultValue === undefined ? '–' : <code>{setting.defaultValue}</code>}</td>
                      <td>
                        {setting.type}
                        {setting.range !== undefined && <span class="sub">{setting.range}</span>}
                      </td>
                    </tr>
                  ))}
              </tbody>
            ))}
          </table>
        </Scroll>
      )}
      {presets.length > 0 && (
        <p>
          {t('Presets:')}{' '}
          {presets.map((preset, index) => (
            <>
              {index > 0 && ', '}
              <code>{preset}</code>
            </>
          ))}
        </p>
      )}
    </section>
  )
}

/** Versions shown without a click. */
const VERSIONS_SHOWN = 8

interface VersionsProps {
  trainer: Trainer
  shown: string
  now: Date
}

/** The newest versions, those of channels and the one on this page; the others are folded. */
function Versions({ trainer, shown, now }: VersionsProps) {
  const isShown = ({ version }: { version: string }, index: number) =>
    index < VERSIONS_SHOWN || version === shown || trainer.channels.some((channel) => channel.version === version)
  const others = trainer.versions.filter((version, index) => !isShown(version, index))
  const common = { trainer, shown, now }
  return (
    <section aria-labelledby="versions">
      <h2 id="versions">{t('Versions')}</h2>
      <VersionTable label={t('Table of versions')} versions={trainer.versions.filter(isShown)} {...common} />
      {others.length > 0 && (
        <details class="more-files">
          <summary>{plural(others.length, '{count} more version', '{count} more versions')}</summary>
          <VersionTable label={t('Table of more versions')} versions={others} {...common} />
        </details>
      )}
    </section>
  )
}

function VersionTable({
  label,
  versions,
  trainer,
  shown,
  now,
}: VersionsProps & { label: string; versions: Trainer['versions'] }) {
  return (
    <Scroll label={label}>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('Version')}</th>
            <th scope="col">{t('State')}</th>
            <th scope="col">{t('Pushed')}</th>
            <th scope="col" class="number">
              {t('Size')}
            </th>
            <th scope="col">{t('Digest')}</th>
          </tr>
        </thead>
        <tbody>
          {versions.map((version) => (
            <tr>
              <th scope="row">
                <a
                  href={withQuery(`/trainers/${trainer.name}`, { version: version.version })}
                  aria-current={version.version === shown ? 'page' : undefined}
                >
                  {version.version}
                </a>
              </th>
              <td>
                <VersionStateStatus state={version.state} />
                {trainer.channels
                  .filter((channel) => channel.version === version.version)
                  .map(({ name }) => (
                    <span class="sub">{name}</span>
                  ))}
                {version.trust !== undefined && <TrustStatus tier={version.trust.tier} />}
              </td>
              <td>
                <RelativeTime at={version.pushedAt} now={now} />
              </td>
              <td class="number">{formatBytes(version.sizeBytes)}</td>
              <td>
                <code title={version.digest}>{version.digest.slice(7, 19)}</code>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </Scroll>
  )
}

interface FactsProps {
  registryUrl: string
  trainer: Trainer
  manifest: TrainerManifest | undefined
  version: TrainerVersion | undefined
  now: Date
}

/** How many packages each part contains, with their list to download. */
function Packages({ name, version: { version, sboms } }: { name: string; version: TrainerVersion }) {
  const path = `/trainers/${name}/versions/${encodeURIComponent(version)}/sbom`
  return (
    <>
      <dt>{t('Packages')}</dt>
      {sboms.map(({ part, packages }) => (
        <dd>
          <a href={withQuery(path, { part })}>
            {t('{packages} in the {part} (CycloneDX)', { packages: formatCount(packages), part })}
          </a>
        </dd>
      ))}
    </>
  )
}

function Facts({ registryUrl, trainer, manifest, version, now }: FactsProps) {
  return (
    <dl class="side-facts">
      {trainer.verifiedAs.length > 0 && (
        <>
          <dt>{t('Verified owner')}</dt>
          <dd>{trainer.verifiedAs.join(', ')}</dd>
        </>
      )}
      <dt>{t('Tasks')}</dt>
      <dd>{apiWords((manifest ?? trainer).taskTypes)}</dd>
      <dt>{t('Framework')}</dt>
      <dd>{(manifest ?? trainer).framework}</dd>
      <dt>{t('Licence')}</dt>
      <dd>{(manifest ?? trainer).license}</dd>
      {manifest !== undefined && (
        <>
          <dt>{t('Authors')}</dt>
          <dd>{manifest.authors.join(', ')}</dd>
          {manifest.repository !== undefined && (
            <>
              <dt>{t('Repository')}</dt>
              <dd>
                <a href={manifest.repository} rel="nofollow ugc noopener noreferrer">
                  <Breakable address={manifest.repository} />
                </a>
              </dd>
            </>
          )}
          <dt>{t('Dataset formats')}</dt>
          <dd>{manifest.datasetFormats.join(', ')}</dd>
          {manifest.exportFormats.length > 0 && (
            <>
              <dt>{t('Export formats')}</dt>
              <dd>{manifest.exportFormats.join(', ')}</dd>
            </>
          )}
          <dt>{t('Network')}</dt>
          <dd>
            {manifest.permissions.network.length === 0
              ? t('the platform only')
              : manifest.permissions.network.join(', ')}
          </dd>
        </>
      )}
      <dt>{t('Rating')}</dt>
      <dd>
        {trainer.rating !== undefined && (
          <>
            <RatingSummary rating={trainer.rating} />{' '}
          </>
        )}
        <a href={reviewsPath(trainer.name)}>{t('Read and write reviews')}</a>
      </dd>
      <dt>{t('Pulls')}</dt>
      <dd>{formatCount(trainer.pulls)}</dd>
      <dt>{t('Follow')}</dt>
      <dd>
        <a href={`${registryUrl}/v1/trainers/${trainer.name}/feed`}>{t('Feed of versions')}</a>,{' '}
        <a href={`${registryUrl}/v1/trainers/${trainer.name}/badge`}>{t('badge')}</a>
      </dd>
      <dt>{version?.publishedAt === undefined && version !== undefined ? t('Pushed') : t('Published')}</dt>
      <dd>
        <RelativeTime
          at={version === undefined ? trainer.publishedAt : (version.publishedAt ?? version.pushedAt)}
          now={now}
        />
      </dd>
      {version !== undefined && (
        <>
          <dt>{t('Size')}</dt>
          <dd>{formatBytes(version.sizeBytes)}</dd>
        </>
      )}
      {version !== undefined && version.sboms.length > 0 && <Packages name={trainer.name} version={version} />}
    </dl>
  )
}

/** An address that can wrap after a slash. */
function Breakable({ address }: { address: string }) {
  const parts = address
    .replace(/^https:\/\//, '')
    .replace(/\/$/, '')
    .split('/')
  return (
    <>
      {parts.map((part, index) => (
        <>
          {index > 0 && (
            <>
              /<wbr />
            </>
          )}
          {part}
        </>
      ))}
    </>
  )
}
