import {
  AuditPage,
  ChangePasswordRequest,
  CreatedMemberInvitation,
  type CreateOrganisationRequest,
  type CreateProjectRequest,
  type CreateSessionRequest,
  InviteAccountRequest,
  Me,
  Member,
  type MemberInvitation,
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
  SignInCode,
  SignUpRequest,
  SignUpState,
} from '@trainyard/contract'
import { z } from 'zod'
import type { Connect } from '../http/connection.ts'
import { fetchJson, send } from '../http/request.ts'

/** Accounts, organisations and projects. */
export interface IdentityClient {
  /** The account and the scopes of this client's token. */
  me(): Promise<Me>
  /** Who can create an account. */
  signUpState(): Promise<SignUpState>
  /**
   * Creates an account. The first account of an installation needs the set-up secret and becomes its operator. Resolves in
   * the same way when the email has an account already, in which case nothing happens.
   */
  signUp(input: SignUpRequest): Promise<void>
  /** For operators: creates an account, and a secret with which its owner sets the password, once. */
  inviteAccount(input: InviteAccountRequest): Promise<PasswordReset>
  /** Signs in. Pass the secret to a client as its token. */
  createSession(input: CreateSessionRequest): Promise<Session>
  /** For the local owner of a server: creates a code that signs a browser in at `/open?code=`, once. */
  createSignInCode(): Promise<SignInCode>
  /** Signs in with such a code. */
  redeemSignInCode(secret: string): Promise<Session>
  /** Signs out. The client's token must be the secret of a session. */
  endSession(): Promise<void>
  /** Your sessions, newest first. Refused for a token with scopes. */
  sessions(): Promise<SessionInfo[]>
  /** Ends one of your sessions. */
  revokeSession(id: string): Promise<void>
  /** Changes your password and ends your other sessions. */
  changePassword(input: ChangePasswordRequest): Promise<void>
  /** For operators: creates a secret that sets a new password for the account, once. */
  createPasswordReset(email: string): Promise<PasswordReset>
  /** Sets a new password and ends all sessions of the account. Needs no token. */
  redeemPasswordReset(input: RedeemPasswordResetRequest): Promise<void>
  /** Your organisations. */
  organisations(): Promise<Organisation[]>
  /** Creates an organisation that you own, with a project `default`. */
  createOrganisation(input: CreateOrganisationRequest): Promise<Organisation>
  /** The members of an organisation. */
  members(organisation: string): Promise<Member[]>
  /** The invitations to an organisation that are not used yet. Empty for members who cannot manage members. */
  memberInvitations(organisation: string): Promise<MemberInvitation[]>
  /**
   * Adds a person who shares an organisation with you, or changes their role. For anyone else, with or without an account, it
   * creates an invitation: give its secret to the person. Operators add everyone who has an account at once.
   */
  setMember(
    organisation: string,
    input: { email: string; role: Role },
  ): Promise<{ member: Member } | { invitation: CreatedMemberInvitation }>
  /** Ends an invitation before it is used. */
  withdrawMemberInvitation(organisation: string, id: string): Promise<void>
  /** Joins an organisation with the secret of an invitation to your email. */
  redeemMemberInvitation(organisation: string, secret: string): Promise<Organisation>
  /** Removes a member. Members can remove themselves. */
  removeMember(organisation: string, accountId: string): Promise<void>
  /** The projects of an organisation that you can see. */
  projects(organisation: string): Promise<Project[]>
  /** Creates a project. Jobs and datasets belong to a project. */
  createProject(organisation: string, input: CreateProjectRequest): Promise<Project>
  /** One page of the audit log of an organisation, newest first. */
  audit(organisation: string, options?: { cursor?: string | undefined; limit?: number | undefined }): Promise<AuditPage>
}

export function createIdentityClient(connect: Connect): IdentityClient {
  const organisationPath = (organisation: string) => `/v1/organisations/${encodeURIComponent(organisation)}`
  return {
    me: () => fetchJson(connect, Me, { path: '/v1/me' }),
    signUpState: () => fetchJson(connect, SignUpState, { path: '/v1/accounts/sign-up' }),
    async signUp(input) {
      await send(connect(), { method: 'POST', path: '/v1/accounts', json: SignUpRequest.parse(input) })
    },
    inviteAccount(input) {
      const json = InviteAccountRequest.parse(input)
      return fetchJson(connect, PasswordReset, { method: 'POST', path: '/v1/accounts/invitations', json })
    },
    createSession: (json) => fetchJson(connect, Session, { method: 'POST', path: '/v1/sessions', json }),
    createSignInCode: () => fetchJson(connect, SignInCode, { method: 'POST', path: '/v1/sessions/codes' }),
    redeemSignInCode: (secret) =>
      fetchJson(connect, Session, { method: 'POST', path: '/v1/sessions/codes/redeem', json: { secret } }),
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
    async memberInvitations(organisation) {
      const { invitations } = await fetchJson(connect, MemberList, {
        path: `${organisationPath(organisation)}/members`,
      })
      return invitations ?? []
    },
    async setMember(organisation, json) {
      const path = `${organisationPath(organisation)}/members`
      const set = await fetchJson(connect, z.union([CreatedMemberInvitation, Member]), { method: 'POST', path, json })
      return 'secret' in set ? { invitation: set } : { member: set }
    },
    async withdrawMemberInvitation(organisation, id) {
      const path = `${organisationPath(organisation)}/invitations/${encodeURIComponent(id)}`
      await send(connect(), { method: 'DELETE', path })
    },
    redeemMemberInvitation(organisation, secret) {
      const path = `${organisationPath(organisation)}/invitations/redeem`
      return fetchJson(connect, Organisation, { method: 'POST', path, json: { secret } })
    },
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
