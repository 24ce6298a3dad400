import { isIP } from 'node:net'
import type { V1NetworkPolicyEgressRule, V1NetworkPolicySpec } from '@kubernetes/client-node'

/** Where a trainer may connect to. */
export interface Destination {
  /** `10.1.2.3/32` */
  cidr: string
  /** Every port when absent. */
  port?: number
}

/** Clouds give their machines' credentials to whoever asks this address from inside. */
const METADATA_SERVICES = ['169.254.169.254/32', 'fd00:ec2::254/128']

/**
 * Nothing comes in; out goes DNS and what is listed. The metadata service and the API server are cut out of every wider
 * network, and never listed themselves: a trainer has no business with either.
 */
export function networkPolicySpec(
  labels: Readonly<Record<string, string>>,
  destinations: readonly Destination[],
  apiServer: readonly { ip: string; port: number }[],
): V1NetworkPolicySpec {
  const never = [...METADATA_SERVICES, ...apiServer.map(({ ip }) => hostCidr(ip))]
  const allowed = destinations.filter(
    ({ cidr, port }) =>
      !METADATA_SERVICES.includes(cidr) &&
      !apiServer.some((one) => hostCidr(one.ip) === cidr && (port ?? one.port) === one.port),
  )
  return {
    podSelector: { matchLabels: { ...labels } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [dnsRule(), ...uniqueDestinations(allowed).map((destination) => rule(destination, never))],
  }
}

/** The cluster's own DNS, wherever its pods run; others would be a way out for data. */
function dnsRule(): V1NetworkPolicyEgressRule {
  return {
    to: [
      {
        namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
        podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
      },
    ],
    ports: [
      { protocol: 'UDP', port: 53 },
      { protocol: 'TCP', port: 53 },
    ],
  }
}

function rule({ cidr, port }: Destination, never: readonly string[]): V1NetworkPolicyEgressRule {
  const except = never.filter((one) => one !== cidr && contains(cidr, one))
  return {
    to: [{ ipBlock: { cidr, ...(except.length === 0 ? {} : { except }) } }],
    ...(port === undefined ? {} : { ports: [{ protocol: 'TCP', port }] }),
  }
}

function uniqueDestinations(destinations: readonly Destination[]): Destination[] {
  const byKey = new Map(destinations.map((one) => [`${one.cidr} ${one.port ?? ''}`, one]))
  return [...byKey.values()]
}

export function hostCidr(ip: string): string {
  return isIP(ip) === 6 ? `${ip}/128` : `${ip}/32`
}

/** `10.1.0.0/16:9000`, `[fd00::/8]:9000` or without a port. */
export function parseDestination(text: string): Destination {
  const match = /^\[?([^\]]+\/\d+)\]?(?::(\d+))?$/.exec(text)
  const [, cidr = text, port] = match ?? []
  return { cidr, ...(port === undefined ? {} : { port: Number(port) }) }
}

/** Whether a network holds another one whole. Kubernetes refuses exceptions that lie outside. */
function contains(outer: string, inner: string): boolean {
  const a = parseCidr(outer)
  const b = parseCidr(inner)
  if (a === undefined || b === undefined || a.bits !== b.bits || a.prefix > b.prefix) return false
  const shift = BigInt(a.bits - a.prefix)
  return a.value >> shift === b.value >> shift
}

function parseCidr(text: string): { value: bigint; prefix: number; bits: 32 | 128 } | undefined {
  const [ip = '', prefix = ''] = text.split('/')
  const version = isIP(ip)
  if (version === 4) {
    const value = ip.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
    return { value, prefix: Number(prefix), bits: 32 }
  }
  if (version !== 6) return undefined
  const [head = '', tail] = ip.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const middle = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0')
  const value = [...left, ...middle, ...right].reduce((sum, part) => sum * 65_536n + BigInt(`0x${part}`), 0n)
  return { value, prefix: Number(prefix), bits: 128 }
}
