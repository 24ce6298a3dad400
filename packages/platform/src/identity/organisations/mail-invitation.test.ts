import { once } from 'node:events'
import { SMTPServer } from 'smtp-server'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { bearer, closeTestIdentities, openIdentityApi, PASSWORD } from '../testing/identity-api.ts'

afterAll(closeTestIdentities)

const servers: SMTPServer[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise<void>((closed) => server.close(closed))
})

interface Received {
  from: string
  to: string[]
  text: string
}

/** A mail server on loopback. `refuse` answers every recipient with an error. */
async function openSink(refuse = false) {
  const mails: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (_address, _session, callback) => callback(refuse ? new Error('no such mailbox') : undefined),
    onData(stream, { envelope }, callback) {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address
        const text = Buffer.concat(chunks).toString().replaceAll('=\r\n', '').replaceAll('=3D', '=')
        mails.push({ from, to: envelope.rcptTo.map(({ address }) => address), text })
        callback()
      })
    },
  })
  servers.push(server)
  server.on('error', () => {})
  server.listen(0, '127.0.0.1')
  await once(server.server, 'listening')
  const address = server.server.address()
  if (address === null || typeof address === 'string') throw new Error('The sink has no port')
  return { mails, smtpUrl: `smtp://127.0.0.1:${address.port}` }
}

/** Ada owns "red" where sign-up is closed. */
async function openRed(smtpUrl?: string, pagesUrl?: string) {
  const mail = smtpUrl === undefined ? undefined : { smtpUrl, from: 'Trainyard <yard@x.test>' }
  const api = await openIdentityApi({ mail, pagesUrl })
  const ada = await api.person('ada@red.test')
  await api.call('POST', '/v1/organisations', { slug: 'red', displayName: 'Win a prize at evil.test' }, ada.headers)
  // Bob does not have an account: an operator would add an account that exists at once.
  const invite = (email = 'bob@blue.test', role = 'member') =>
    api.call('POST', '/v1/organisations/red/members', { email, role }, ada.headers)
  const signUpWith = (email: string, invitation?: string) =>
    api.call('POST', '/v1/accounts', { email, password: PASSWORD, invitation })
  return { ...api, ada, invite, signUpWith }
}

describe('the mail of an invitation', () => {
  it('has the link, which leads to the pages, and no name that people choose', async () => {
    const { mails, smtpUrl } = await openSink()
    const { invite } = await openRed(smtpUrl, 'https://pages.test')
    const { status, body } = await invite()
    expect([status, body.emailed]).toEqual([202, true])
    const [mail] = mails
    expect(mail).toMatchObject({ from: 'yard@x.test', to: ['bob@blue.test'] })
    expect(mail?.text).toContain(`https://pages.test/organisations/red/join?code=${body.secret}`)
    expect(mail?.text).toContain('ada@red.test invites you')
    expect(mail?.text).not.toContain('evil.test')
  })

  it('leads to the public URL of the server where the pages have no other', async () => {
    const { mails, smtpUrl } = await openSink()
    await (await openRed(smtpUrl)).invite()
    expect(mails[0]?.text).toContain('http://trainyard.test/organisations/red/join?code=')
  })

  it('is not sent without a mail server; the link is in the answer', async () => {
    const { body } = await (await openRed()).invite()
    expect([body.emailed, body.secret]).toEqual([false, expect.stringMatching(/^ty_/)])
  })

  it('that the mail server refuses, or that nothing receives, leaves a valid invitation', async () => {
    const { smtpUrl } = await openSink(true)
    for (const url of [smtpUrl, 'smtp://127.0.0.1:1']) {
      const { invite, signUpWith } = await openRed(url)
      const { status, body } = await invite()
      expect([status, body.emailed]).toEqual([202, false])
      expect((await signUpWith('bob@blue.test', body.secret)).status).toBe(202)
    }
  })

  it('is sent to one address five times a day at most, whatever the case of its letters', async () => {
    const { mails, smtpUrl } = await openSink()
    const { invite } = await openRed(smtpUrl)
    const sent: boolean[] = []
    for (let count = 0; count < 6; count++)
      sent.push((await invite(count % 2 === 0 ? 'bob@blue.test' : 'Bob@blue.test')).body.emailed)
    expect(sent).toEqual([true, true, true, true, true, false])
    expect(mails).toHaveLength(5)
  })
})

describe('an invitation where sign-up is closed', () => {
  it('makes the account of its email, which then joins', async () => {
    const { invite, signUpWith, signIn, call, identity } = await openRed()
    const { id, secret } = (await invite()).body
    expect((await signUpWith('Bob@blue.test', secret)).status).toBe(202)
    const bob = await signIn('bob@blue.test')
    expect(bob.status).toBe(201)
    const headers = bearer(bob.body.secret)
    const joined = await call('POST', '/v1/organisations/red/invitations/redeem', { secret }, headers)
    expect([joined.status, joined.body.role]).toEqual([200, 'member'])
    const created = (await identity.listAudit()).find(
      ({ action, actor }) => action === 'account.create' && actor === bob.body.account.id,
    )
    expect(created?.data).toEqual({ operator: false, invitation: id })
  })

  it('makes no account of another email, with another secret, or without one', async () => {
    const { invite, signUpWith, signIn } = await openRed()
    const { secret } = (await invite()).body
    const used = `ty_${'0'.repeat(56)}`
    for (const [email, invitation] of [
      ['eve@blue.test', secret],
      ['bob@blue.test', used],
      ['bob@blue.test', 'x'],
      ['bob@blue.test', undefined],
    ] as const) {
      const { status, body } = await signUpWith(email, invitation)
      expect([email, status, body.code]).toEqual([email, 403, 'forbidden'])
      expect((await signIn(email)).status).toBe(401)
    }
  })

  it('makes no account after it was withdrawn or replaced, or its inviter has lost the role', async () => {
    const { invite, signUpWith, call, ada, identity } = await openRed()
    const withdrawn = (await invite('a@blue.test')).body
    await call('DELETE', `/v1/organisations/red/invitations/${withdrawn.id}`, undefined, ada.headers)
    expect((await signUpWith('a@blue.test', withdrawn.secret)).status).toBe(403)
    const replaced = (await invite('b@blue.test')).body
    await invite('b@blue.test')
    expect((await signUpWith('b@blue.test', replaced.secret)).status).toBe(403)
    const orphaned = (await invite('c@blue.test')).body
    const { db } = identity.database
    await db.updateTable('memberships').set({ role: 'viewer' }).where('account_id', '=', ada.id).execute()
    expect((await signUpWith('c@blue.test', orphaned.secret)).status).toBe(403)
  })

  it('does not change the account of an email that has one', async () => {
    const { invite, signUpWith, signIn, call } = await openRed()
    const { secret } = (await invite()).body
    await signUpWith('bob@blue.test', secret)
    const again = await call('POST', '/v1/accounts', {
      email: 'bob@blue.test',
      password: 'another good password 1',
      invitation: secret,
    })
    expect(again.status).toBe(202)
    expect((await signIn('bob@blue.test', 'another good password 1')).status).toBe(401)
  })
})
