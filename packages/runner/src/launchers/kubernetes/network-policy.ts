import { isIP } from 'node:net'
import type { V1IPBlock, V1NetworkPolicyEgressRule, V1NetworkPolicySpec } from '@kubernetes/client-node'

/** An address that a trainer may connect to. */
export interface Destination {
  /** `10.1.2.3/32` */
  cidr: string
  /** Undefined: all ports. */
  port?: number | undefined
}

/** Cloud providers give the machine's credentials to every process that asks these addresses. */
const METADATA_SERVICES = ['169.254.169.254/32', 'fd00:ec2::254/128']

/**
 * Allows no incoming connections, and outgoing ones only to the cluster's DNS and the destinations. The metadata service and
 * the API server are excluded from every network that contains them, and dropped when they are a destination themselves:
 * trainers need neither.
 */
export function networkPolicySpec(
  labels: Readonly<Record<string, string>>,
  destinations: readonly Destination[],
  apiServer: readonly { ip: string; port: number }[],
): V1NetworkPolicySpec {
  const denied = [...METADATA_SERVICES, ...apiServer.map(({ ip }) => hostCidr(ip))]
  const allowed = destinations.filter(
    ({ cidr, port }) =>
      !METADATA_SERVICES.includes(cidr) &&
      !apiServer.some((server) => hostCidr(server.ip) === cidr && (port ?? server.port) === server.port),
  )
  return {
    podSelector: { matchLabels: { ...labels } },
    policyTypes: ['Ingress', 'Egress'],
    ingress: [],
    egress: [dnsRule(), ...uniqueDestinations(allowed).map((destination) => rule(destination, denied))],
  }
}

/** The cluster's own DNS only. Data could leak through other servers. */
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

function rule({ cidr, port }: Destination, denied: readonly string[]): V1NetworkPolicyEgressRule {
  const ipBlock: V1IPBlock = { cidr }
  const except = denied.filter((address) => address !== cidr && contains(cidr, address))
  if (except.length > 0) ipBlock.except = except
  const egress: V1NetworkPolicyEgressRule = { to: [{ ipBlock }] }
  if (port !== undefined) egress.ports = [{ protocol: 'TCP', port }]
  return egress
}

function uniqueDestinations(destinations: readonly Destination[]): Destination[] {
  const byKey = new Map(
    destinations.map((destination) => [`${destination.cidr} ${destination.port ?? ''}`, destination]),
  )
  return [...byKey.values()]
}

export function hostCidr(ip: string): string {
  return isIP(ip) === 6 ? `${ip}/128` : `${ip}/32`
}

/** Parses `10.1.0.0/16:9000` or `[fd00::/8]:9000`, with or without a port. */
export function parseDestination(text: string): Destination {
  const match = /^\[?([^\]]+\/\d+)\]?(?::(\d+))?$/.exec(text)
  const [, cidr = text, port] = match ?? []
  return { cidr, port: port === undefined ? undefined : Number(port) }
}

/** Whether the outer network contains all of the inner one. Kubernetes rejects exceptions outside of the network. */
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
