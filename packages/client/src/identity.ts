import {
  Account,
  AuditPage,
  ChangePasswordRequest,
  CreateAccountRequest,
  type CreateOrganisationRequest,
  type CreateProjectRequest,
  Me,
  Member,
  MemberList,
  Organisation,
  OrganisationList,
  PasswordReset,
  Project,
  ProjectList,
  RedeemPasswordResetRequest,
  type Role,
  Session,
  type SessionInfo,
  SessionList,
} from '@trainyard/contract'
import { type Connect, fetchJson, send } from './http.ts'

/** Accounts, organisations and projects. */
export interface IdentityClient {
  /** Who the token of this client speaks for. */
  me(): Promise<Me>
  /** Signs up. The first account of an installation becomes its operator. */
  createAccount(input: CreateAccountRequest): Promise<Account>
  /** Signs in: give the secret to a client as its token. */
  createSession(input: { email: string; password: string }): Promise<Session>
  /** Signs out; only with a session's secret as the token. */
  endSession(): Promise<void>
  /** Where you are signed in, newest first; not with a token that has scopes. */
  sessions(): Promise<SessionInfo[]>
  /** Ends one of your sessions. */
  revokeSession(id: string): Promise<void>
  /** Your other sessions end. */
  changePassword(input: ChangePasswordRequest): Promise<void>
  /** For operators: the secret lets its holder choose the password of that account, once. */
  createPasswordReset(email: string): Promise<PasswordReset>
  /** Chooses a new password; needs no token. All sessions of the account end. */
  redeemPasswordReset(input: RedeemPasswordResetRequest): Promise<void>
  /** Those that you are in. */
  organisations(): Promise<Organisation[]>
  /** You own it; a project `default` is made in it. */
  createOrganisation(input: CreateOrganisationRequest): Promise<Organisation>
  /** The people of an organisation. */
  members(organisation: string): Promise<Member[]>
  /** Adds somebody who has an account, or changes their role. */
  setMember(organisation: string, input: { email: string; role: Role }): Promise<Member>
  /** Takes somebody out, or leaves. */
  removeMember(organisation: string, accountId: string): Promise<void>
  /** Those that you can see. */
  projects(organisation: string): Promise<Project[]>
  /** Makes a project; jobs and datasets belong to one. */
  createProject(organisation: string, input: CreateProjectRequest): Promise<Project>
  /** What was done in an organisation, newest first. */
  audit(organisation: string, options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<AuditPage>
}

export function createIdentityClient(connect: Connect): IdentityClient {
  const organisationPath = (organisation: string) => `/v1/organisations/${encodeURIComponent(organisation)}`
  return {
    me: () => fetchJson(connect, Me, { path: '/v1/me' }),
    createAccount: (input) =>
      fetchJson(connect, Account, { method: 'POST', path: '/v1/accounts', json: CreateAccountRequest.parse(input) }),
    createSession: (json) => fetchJson(connect, Session, { method: 'POST', path: '/v1/sessions', json }),
    async endSession() {
      await send(connect(), { method: 'DELETE', path: '/v1/sessions/current' })
    },
    async sessions() {
      return (await fetchJson(connect, SessionList, { path: '/v1/sessions' })).sessions
    },
    async revokeSession(id) {
      await send(connect(), { method: 'DELETE', path: `/v1/sessions/${encodeURIComponent(id)}` })
    },
    async changePassword(input) {
      await send(connect(), { method: 'POST', path: '/v1/me/password', json: ChangePasswordRequest.parse(input) })
    },
    createPasswordReset: (email) =>
      fetchJson(connect, PasswordReset, { method: 'POST', path: '/v1/accounts/password-resets', json: { email } }),
    async redeemPasswordReset(input) {
      const json = RedeemPasswordResetRequest.parse(input)
      await send(connect(), { method: 'POST', path: '/v1/accounts/password-resets/redeem', json })
    },
    async organisations() {
      return (await fetchJson(connect, OrganisationList, { path: '/v1/organisations' })).organisations
    },
    createOrganisation: (json) => fetchJson(connect, Organisation, { method: 'POST', path: '/v1/organisations', json }),
    async members(organisation) {
      return (await fetchJson(connect, MemberList, { path: `${organisationPath(organisation)}/members` })).members
    },
    setMember: (organisation, json) =>
      fetchJson(connect, Member, { method: 'POST', path: `${organisationPath(organisation)}/members`, json }),
    async removeMember(organisation, accountId) {
      const path = `${organisationPath(organisation)}/members/${encodeURIComponent(accountId)}`
      await send(connect(), { method: 'DELETE', path })
    },
    async projects(organisation) {
      return (await fetchJson(connect, ProjectList, { path: `${organisationPath(organisation)}/projects` })).projects
    },
    createProject: (organisation, json) =>
      fetchJson(connect, Project, { method: 'POST', path: `${organisationPath(organisation)}/projects`, json }),
    audit: (organisation, query) =>
      fetchJson(connect, AuditPage, { path: `${organisationPath(organisation)}/audit`, query }),
  }
}
