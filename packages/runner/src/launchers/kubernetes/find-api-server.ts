import { type KubernetesClient, withRetries } from './client.ts'
import { type Resolve, resolveDestinations } from './resolve-destinations.ts'

/** The addresses of the API server: the one in the kubeconfig, and those that the server reports. */
export async function findApiServer(
  client: KubernetesClient,
  resolve: Resolve,
): Promise<{ ip: string; port: number }[]> {
  const { host } = new URL(client.kubeConfig.getCurrentCluster()?.server ?? '')
  const versions = await withRetries(() => client.root.getAPIVersions())
  const reported = versions.serverAddressByClientCIDRs.map(({ serverAddress }) => serverAddress)
  const urls = [host, ...reported].map((address) => `https://${address}`)
  const destinations = await resolveDestinations(urls, [], resolve)
  return destinations.map(({ cidr, port }) => ({ ip: cidr.slice(0, cidr.indexOf('/')), port: port ?? 443 }))
}
