import type { Trainer, TrainerVersion } from '@trainyard/contract'
import { Field, FormProblem, Note } from '../components/form.tsx'

export interface ManageProps {
  trainer: Trainer
  version: TrainerVersion
  problem?: string | undefined
  done?: boolean | undefined
}

/** What the owner of a trainer does with the version that is shown. Every form works without scripts. */
export function Manage({ trainer, version, problem, done }: ManageProps) {
  const action = `/trainers/${trainer.name}/versions/${encodeURIComponent(version.version)}`
  const set = trainer.channels.filter(({ isSet, version: of }) => isSet && of === version.version)
  return (
    <section aria-labelledby="manage">
      <h2 id="manage">Manage {version.version}</h2>
      {done && <Note>Saved.</Note>}
      <FormProblem text={problem} />
      <p>
        <a href={`/publishers/${trainer.name}`}>Publishers</a>: the repositories whose jobs publish this trainer.
      </p>
      {version.state === 'yanked' ? (
        <>
          <p>Yanked: {version.yankReason}. No range, tag or channel finds this version. Pulls by digest go on.</p>
          <form method="post" action={`${action}/unyank`}>
            <button type="submit">Show it again</button>
          </form>
        </>
      ) : (
        <>
          <form class="form" method="post" action={`${action}/channel`}>
            <Field
              name="channel"
              label="Channel"
              required
              maxlength={30}
              hint="A name for this version, such as stable"
            />
            <button type="submit">Set the channel</button>
          </form>
          {set.map(({ name }) => (
            <form method="post" action={`${action}/channels/${name}/remove`}>
              <button type="submit" class="quiet">
                Remove the channel {name}
              </button>
            </form>
          ))}
          {version.state === 'deprecated' ? (
            <form method="post" action={`${action}/undeprecate`}>
              <button type="submit">Withdraw the deprecation</button>
            </form>
          ) : (
            <form class="form" method="post" action={`${action}/deprecate`}>
              <Field name="message" label="Why it should not be used" required maxlength={500} />
              <Field
                name="replacement"
                label="Use in its place"
                maxlength={128}
                hint="A version, or namespace/name of another trainer. May stay empty"
              />
              <button type="submit">Deprecate</button>
            </form>
          )}
          <form class="form" method="post" action={`${action}/yank`}>
            <Field
              name="reason"
              label="Why it must not be found"
              required
              maxlength={500}
              hint="No range, tag or channel finds a yanked version. Pulls by digest go on. It can be shown again"
            />
            <button type="submit" class="danger">
              Yank
            </button>
          </form>
        </>
      )}
    </section>
  )
}
