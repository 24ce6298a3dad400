import { createHash, generateKeyPairSync } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { bundleToJSON } from '@sigstore/bundle'
import {
  fulcioHandler,
  initializeCA,
  initializeCTLog,
  initializeTLog,
  initializeTSA,
  rekorHandler,
  tsaHandler,
} from '@sigstore/mock'
import { TrustedRoot } from '@sigstore/protobuf-specs'
import { DSSEBundleBuilder, FulcioSigner, MessageSignatureBundleBuilder, RekorWitness } from '@sigstore/sign'
import { SignJWT } from 'jose'

/** A Sigstore on a port of its own: it certifies any identity that a token claims. */
export interface TestSigstore {
  signer: SigstoreSigner
  /** Writes its trust root to a file. */
  writeRoot(file: string): Promise<void>
  close(): Promise<void>
}

/** The addresses of a Sigstore, and who asks it for certificates. */
export interface SigstoreServers {
  fulcio: string
  rekor: string
}

/** Signs with the identity that a token names. */
export class SigstoreSigner {
  readonly #servers: SigstoreServers
  constructor(servers: SigstoreServers) {
    this.#servers = servers
  }

  #options(token: string) {
    const { fulcio, rekor } = this.#servers
    const identityProvider = { getToken: async () => token }
    return {
      signer: new FulcioSigner({ fulcioBaseURL: fulcio, identityProvider }),
      // The log's time is enough. The timestamps of the mock sometimes have fractions that the library does not read.
      witnesses: [new RekorWitness({ rekorBaseURL: rekor, entryType: 'dsse' as const })],
    }
  }

  /** A bundle with an in-toto statement about a manifest. */
  async attest(token: string, digest: string, predicateType = 'https://slsa.dev/provenance/v1'): Promise<Buffer> {
    const [algorithm = '', hex] = digest.split(':')
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: 'trainer', digest: { [algorithm]: hex } }],
      predicateType,
      predicate: {},
    }
    const builder = new DSSEBundleBuilder(this.#options(token))
    const bundle = await builder.create({
      data: Buffer.from(JSON.stringify(statement)),
      type: 'application/vnd.in-toto+json',
    })
    return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
  }

  /** A bundle with a signature over bytes. */
  async sign(token: string, data: Buffer): Promise<Buffer> {
    const bundle = await new MessageSignatureBundleBuilder(this.#options(token)).create({ data })
    return Buffer.from(JSON.stringify(bundleToJSON(bundle)))
  }
}

/** The token of a job of GitHub, as a Fulcio reads it. */
export async function jobIdentity(issuer: string, claims: Record<string, unknown> = {}): Promise<string> {
  const workflow = 'acme/detector/.github/workflows/release.yml@refs/tags/v1.0.0'
  const job = { sub: `https://github.com/${workflow}`, repository_id: '740000001', repository_owner_id: '540000001' }
  const key = new TextEncoder().encode('any key: this Fulcio checks none')
  return await new SignJWT({ ...job, ...claims }).setProtectedHeader({ alg: 'HS256' }).setIssuer(issuer).sign(key)
}

const bytesOf = (view: { buffer: ArrayBufferLike; byteOffset: number; byteLength: number }) =>
  Buffer.from(view.buffer, view.byteOffset, view.byteLength)

export async function startSigstore(): Promise<TestSigstore> {
  const keys = () => generateKeyPairSync('ec', { namedCurve: 'prime256v1' })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  const ctlog = await initializeCTLog(keys())
  const ca = await initializeCA(keys(), ctlog)
  const tlog = await initializeTLog(url, keys())
  const tsa = await initializeTSA(keys())
  const handlers = [fulcioHandler(ca), rekorHandler(tlog), tsaHandler(tsa)]
  server.on('request', async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const handler = handlers.find(({ path }) => path === request.url)
    const made = await handler?.fn(handler.path === handlers[1]?.path ? withoutEnvelope(text) : text)
    response.writeHead(made?.statusCode ?? 404, { 'content-type': made?.contentType ?? 'text/plain' })
    response.end(made?.response)
  })
  const validFor = { start: new Date(Date.now() - 60_000) }
  const subject = { commonName: 'test', organization: 'test' }
  const log = (publicKey: Buffer, keyId: Buffer) => ({
    baseUrl: url,
    hashAlgorithm: 1,
    logId: { keyId },
    operator: 'test',
    checkpointKeyId: undefined,
    publicKey: { rawBytes: publicKey, keyDetails: 5, validFor },
  })
  const authority = (certificates: Buffer[]) => ({
    subject,
    uri: url,
    operator: 'test',
    certChain: { certificates: certificates.map((rawBytes) => ({ rawBytes })) },
    validFor,
  })
  const root = TrustedRoot.toJSON({
    mediaType: 'application/vnd.dev.sigstore.trustedroot+json;version=0.1',
    certificateAuthorities: [authority([bytesOf(ca.rootCertificate)])],
    timestampAuthorities: [authority([bytesOf(tsa.intCertificate), bytesOf(tsa.rootCertificate)])],
    tlogs: [log(bytesOf(tlog.publicKey), createHash('sha256').update(tlog.publicKey).digest())],
    ctlogs: [log(bytesOf(ctlog.publicKey), bytesOf(ctlog.logID))],
  })
  return {
    signer: new SigstoreSigner({ fulcio: url, rekor: url }),
    writeRoot: (file) => writeFile(file, JSON.stringify(root)),
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** A log stores the hashes and signatures of an envelope, and not the envelope. */
function withoutEnvelope(text: string): string {
  const entry = JSON.parse(text)
  if (entry.kind !== 'dsse') return text
  const { envelope, verifiers } = entry.spec.proposedContent
  const { payload, signatures } = JSON.parse(envelope)
  const hash = (data: string | Buffer) => ({
    algorithm: 'sha256',
    value: createHash('sha256').update(data).digest('hex'),
  })
  const spec = {
    envelopeHash: hash(envelope),
    payloadHash: hash(Buffer.from(payload, 'base64')),
    signatures: signatures.map(({ sig }: { sig: string }, at: number) => ({ signature: sig, verifier: verifiers[at] })),
  }
  return JSON.stringify({ apiVersion: entry.apiVersion, kind: entry.kind, spec })
}
