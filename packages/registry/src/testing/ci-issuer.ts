import { createServer, type ServerResponse } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

/** The OIDC issuer of a CI on a port of its own. */
export interface TestIssuer {
  url: string
  /** A token of a job; claims with the value undefined are left out. */
  token(claims?: Record<string, unknown>, options?: TokenOptions): Promise<string>
  /** Answers requests in its place. Return false to let it answer. */
  intercept: (path: string, response: ServerResponse) => boolean
  requests: string[]
  close(): Promise<void>
}

interface TokenOptions {
  key?: CryptoKey | Uint8Array
  alg?: string
  kid?: string
}

/** The claims of a job of GitHub in `acme/detector`. */
const JOB = {
  repository: 'acme/detector',
  repository_id: '740000001',
  repository_owner_id: '540000001',
  ref: 'refs/tags/v1.0.0',
  sha: '0123456789abcdef0123456789abcdef01234567',
  job_workflow_ref: 'acme/detector/.github/workflows/release.yml@refs/tags/v1.0.0',
  run_id: '9000000001',
}

export async function startIssuer(audience: string): Promise<TestIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }]
  const requests: string[] = []
  const issuer: Pick<TestIssuer, 'intercept'> = { intercept: () => false }
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    requests.push(path)
    if (issuer.intercept(path, response)) return
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(path.startsWith('/.well-known') ? { issuer: url, jwks_uri: `${url}/jwks` } : { keys }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  return Object.assign(issuer, {
    url,
    requests,
    token: async (
      claims: Record<string, unknown> = {},
      { key = privateKey, alg = 'RS256', kid = 'one' }: TokenOptions = {},
    ) => {
      const now = Math.floor(Date.now() / 1000)
      const standard = { iss: url, aud: audience, iat: now, nbf: now - 5, exp: now + 300, jti: crypto.randomUUID() }
      return await new SignJWT({ ...standard, ...JOB, ...claims }).setProtectedHeader({ alg, kid }).sign(key)
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
