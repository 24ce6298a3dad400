import type { Finding } from '@trainyard/contract'
import type { ImageConfig } from './image-config.ts'
import { createImageFinding, type ImageRuleCode } from './image-findings.ts'
import type { ImageNode, ImageTree } from './image-tree.ts'
import { shownPath } from './layer-entry.ts'
import type { ImageView } from './read-image.ts'

/** What the operator does with images that run as root. */
export type RootUserPolicy = 'allow' | 'warn' | 'refuse'

const SETUID_OR_SETGID = 0o6000
const WORLD_WRITABLE = 0o002
const STICKY = 0o1000
/** Paths that are named in one finding. */
const SHOWN = 5

/** Programs of Debian, Alpine and Red Hat that cannot work without these bits. Base images have them. */
const USUAL_SETUID =
  /^(usr\/)?s?bin\/(su|mount|umount|passwd|chsh|chfn|chage|expiry|newgrp|gpasswd|unix_chkpwd|pam_timestamp_check|bbsuid|ping|fusermount3?|sudo)$|^usr\/lib\/(openssh\/ssh-keysign|dbus-1\.0\/dbus-daemon-launch-helper)$/

/** Findings about the user, the command and the platform. */
export function configFindings(
  { config, os, architecture }: ImageConfig,
  { platform, rootUser }: { platform: string | undefined; rootUser: RootUserPolicy },
): Finding[] {
  const findings: Finding[] = []
  const user = config?.User?.trim() ?? ''
  const [name = ''] = user.split(':')
  if (rootUser !== 'allow' && ['', 'root', '0'].includes(name)) {
    const severity = rootUser === 'refuse' ? 'error' : 'warning'
    const seen = user === '' ? 'it names no user' : `its user is "${user.slice(0, 100)}"`
    findings.push(createImageFinding('TY294', `the image runs as root: ${seen}`, { severity, subject: 'root' }))
  }
  if ((config?.Entrypoint ?? []).length === 0 && (config?.Cmd ?? []).length === 0)
    findings.push(createImageFinding('TY297', 'the image has neither an entry point nor a command'))
  if (os !== undefined && os !== 'linux')
    findings.push(createImageFinding('TY293', `the image is for ${JSON.stringify(os)}; expected "linux"`))
  const own = `${os ?? 'unknown'}/${architecture ?? 'unknown'}`
  if (platform !== undefined && !platform.startsWith('unknown') && os !== undefined && platform !== own)
    findings.push(createImageFinding('TY293', `the index names the platform ${platform}, but the config says ${own}`))
  return findings
}

/** Findings about the files of the image as it runs. */
export function treeFindings(tree: ImageTree, layers: readonly { digest: string }[]): Finding[] {
  const groups = {
    setuid: new Group('TY295', 'run with the rights of their owner or group (setuid, setgid)'),
    usual: new Group('TY295', 'of the system run with the rights of their owner or group (setuid, setgid)', 'info'),
    writable: new Group('TY296', 'can be changed by every user'),
    devices: new Group('TY298', 'are devices'),
  }
  for (const [path, node] of tree.entries()) {
    const { type, mode } = node
    if (type === 'device') groups.devices.add(path, node)
    if (type === 'file' && (mode & SETUID_OR_SETGID) !== 0)
      (USUAL_SETUID.test(path) ? groups.usual : groups.setuid).add(path, node)
    const isShared = type === 'directory' && (mode & STICKY) !== 0
    if ((type === 'file' || type === 'directory') && (mode & WORLD_WRITABLE) !== 0 && !isShared)
      groups.writable.add(path, node)
  }
  return Object.values(groups).flatMap((group) => group.finding(layers))
}

/** Files with the same problem: one finding, because an image may have thousands. */
class Group {
  readonly #code: ImageRuleCode
  readonly #problem: string
  readonly #severity: Finding['severity'] | undefined
  readonly #shown: string[] = []
  #count = 0
  #first: ImageNode | undefined

  constructor(code: ImageRuleCode, problem: string, severity?: Finding['severity']) {
    this.#code = code
    this.#problem = problem
    this.#severity = severity
  }

  add(path: string, node: ImageNode): void {
    this.#count += 1
    this.#first ??= node
    if (this.#shown.length < SHOWN) this.#shown.push(shownPath(path))
  }

  finding(layers: readonly { digest: string }[]): Finding[] {
    if (this.#first === undefined) return []
    const more = this.#count > SHOWN ? ` and ${this.#count - SHOWN} more` : ''
    const message = `${this.#count} files ${this.#problem}: ${this.#shown.join(', ')}${more}`
    return [
      createImageFinding(this.#code, message, {
        file: this.#shown[0],
        layer: layers[this.#first.layer]?.digest,
        severity: this.#severity,
        subject: `${this.#problem} ${this.#shown.join(' ')}`,
      }),
    ]
  }
}

/** Container engines compare these digests with their own: equal ones prove that they unpack the same bytes. */
export function diffIdFindings({ diffIds }: ImageView, named: readonly string[]): Finding[] {
  if (named.length !== diffIds.length) {
    const message = `the config names ${named.length} layers in rootfs.diff_ids, and the image has ${diffIds.length}`
    return [createImageFinding('TY293', message)]
  }
  return diffIds.flatMap((diffId, index) =>
    diffId === named[index]
      ? []
      : [
          createImageFinding(
            'TY293',
            `the layer ${index + 1} unpacks to ${diffId}, but the config names ${named[index]}`,
          ),
        ],
  )
}

/** A finding about an image that unpacks to more than `maxImageBytes`. Default: 20 GiB. */
export function sizeFindings({ unpackedBytes }: ImageView, maxImageBytes = 20 * 1024 ** 3): Finding[] {
  if (unpackedBytes <= maxImageBytes) return []
  const gib = (bytes: number) => `${(bytes / 1024 ** 3).toFixed(1)} GiB`
  const message = `the image unpacks to ${gib(unpackedBytes)}; more than ${gib(maxImageBytes)} is slow to start`
  return [createImageFinding('TY299', message, { subject: 'size' })]
}
