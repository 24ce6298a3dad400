import { z } from 'zod'
import { Timestamp } from './primitives.ts'
import { findOddCharacter, trimmedLine } from './readable-text.ts'

/** From most to least: owners can appoint owners, admins add people and projects, members run jobs, viewers only read. */
export const Role = z.enum(['owner', 'admin', 'member', 'viewer'])
export type Role = z.infer<typeof Role>

/** A character that the sender cannot see must be named. */
function describeOdd(input: unknown): string {
  const odd = typeof input === 'string' ? findOddCharacter(input) : undefined
  return odd === undefined ? '' : `; ${odd.codePoint} is character ${odd.position}`
}

/** The short name of an organisation or project. An organisation's is also its namespace in the registry. */
export const Slug = z
  .string()
  .max(64)
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, {
    error: ({ input }) =>
      `must be lower-case letters, digits and single "-", "_" or "." between them${describeOdd(input)}`,
  })
export type Slug = z.infer<typeof Slug>

/** `organisation/project` */
export const ProjectName = z
  .string()
  .max(129)
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*\/[a-z0-9]+(?:[._-][a-z0-9]+)*$/, {
    error: ({ input }) =>
      `must be "organisation/project" in lower-case letters, digits and single "-", "_" or "."${describeOdd(input)}`,
  })
export type ProjectName = z.infer<typeof ProjectName>

const DisplayName = trimmedLine(100)
const Email = z.email().max(254)
/**
 * The server also refuses what is guessed first: common passwords and sequences, white space, and what is made of the
 * account's email or name. The maximum limits the cost of hashing.
 */
const Password = z.string().min(10, 'must be at least 10 characters').max(200)

/** A person or a service. */
export const Account = z
  .object({
    id: z.string(),
    email: z.string().optional(),
    displayName: z.string(),
    operator: z.boolean().describe('Whether the account administers the installation'),
    createdAt: Timestamp,
  })
  .meta({ id: 'Account' })
export type Account = z.infer<typeof Account>

/** `GET /v1/accounts/sign-up`: who can create an account. */
export const SignUpState = z
  .object({
    signUp: z
      .enum(['setup', 'open', 'closed'])
      .describe('setup: the first account, with the set-up secret; open: everyone; closed: operators invite people'),
    auth: z.enum(['local', 'required']).describe('local: the server belongs to the user who started it'),
  })
  .meta({ id: 'SignUpState' })
export type SignUpState = z.infer<typeof SignUpState>

/** `POST /v1/accounts` */
export const SignUpRequest = z
  .strictObject({
    email: Email,
    password: Password,
    displayName: DisplayName.optional(),
    setupSecret: z
      .string()
      .max(200)
      .optional()
      .describe('Required for the first account. The server prints it at its start'),
    invitation: z
      .string()
      .max(200)
      .optional()
      .describe('The secret of an invitation to this email. Required where sign-up is closed'),
  })
  .meta({ id: 'SignUpRequest' })
export type SignUpRequest = z.infer<typeof SignUpRequest>

/** `POST /v1/accounts/invitations` */
export const InviteAccountRequest = z
  .strictObject({ email: Email, displayName: DisplayName.optional() })
  .meta({ id: 'InviteAccountRequest' })
export type InviteAccountRequest = z.infer<typeof InviteAccountRequest>

/** `POST /v1/sessions` */
export const CreateSessionRequest = z
  .strictObject({
    email: z.string().min(1).max(254),
    password: z.string().min(1).max(200),
    device: z
      .string()
      .max(1000)
      .optional()
      .describe('The secret of a device that signed in before; the attempts of others do not lock it out'),
  })
  .meta({ id: 'CreateSessionRequest' })
export type CreateSessionRequest = z.infer<typeof CreateSessionRequest>

/** The response to `POST /v1/sessions`: a session, until it expires or is ended. */
export const Session = z
  .object({
    secret: z
      .string()
      .describe('Send it as a bearer token or in the cookie `trainyard_session`; it is only shown once'),
    expiresAt: Timestamp,
    account: Account,
    device: z
      .object({ secret: z.string(), expiresAt: Timestamp })
      .optional()
      .describe('Identifies this device at later sign-ins, until the password changes. It authenticates no request'),
  })
  .meta({ id: 'Session' })
export type Session = z.infer<typeof Session>

/** The response to `POST /v1/sessions/codes`. */
export const SignInCode = z
  .object({ secret: z.string().describe('Works once, in a link `/open?code=`'), expiresAt: Timestamp })
  .meta({ id: 'SignInCode' })
export type SignInCode = z.infer<typeof SignInCode>

/** `POST /v1/sessions/codes/redeem` */
export const RedeemSignInCodeRequest = z
  .strictObject({ secret: z.string().min(1).max(200) })
  .meta({ id: 'RedeemSignInCodeRequest' })
export type RedeemSignInCodeRequest = z.infer<typeof RedeemSignInCodeRequest>

/** A session of the caller, without its secret. */
export const SessionInfo = z
  .object({
    id: z.string(),
    createdAt: Timestamp,
    expiresAt: Timestamp,
    lastUsedAt: Timestamp.optional(),
    current: z.boolean().describe('Whether this request uses it'),
  })
  .meta({ id: 'SessionInfo' })
export type SessionInfo = z.infer<typeof SessionInfo>

/** `GET /v1/sessions`: newest first. */
export const SessionList = z.object({ sessions: z.array(SessionInfo) }).meta({ id: 'SessionList' })
export type SessionList = z.infer<typeof SessionList>

/** `POST /v1/me/password` */
export const ChangePasswordRequest = z
  .strictObject({ currentPassword: z.string().min(1).max(200), newPassword: Password })
  .meta({ id: 'ChangePasswordRequest' })
export type ChangePasswordRequest = z.infer<typeof ChangePasswordRequest>

/** `POST /v1/accounts/password-resets` */
export const CreatePasswordResetRequest = z
  .strictObject({ email: z.string().min(1).max(254) })
  .meta({ id: 'CreatePasswordResetRequest' })
export type CreatePasswordResetRequest = z.infer<typeof CreatePasswordResetRequest>

/** The response to `POST /v1/accounts/password-resets` and `POST /v1/accounts/invitations`. Its secret sets the password of one account, once. */
export const PasswordReset = z
  .object({
    secret: z.string().describe('Only shown once'),
    expiresAt: Timestamp,
    account: Account,
  })
  .meta({ id: 'PasswordReset' })
export type PasswordReset = z.infer<typeof PasswordReset>

/** `POST /v1/accounts/password-resets/redeem` */
export const RedeemPasswordResetRequest = z
  .strictObject({ secret: z.string().min(1).max(200), newPassword: Password })
  .meta({ id: 'RedeemPasswordResetRequest' })
export type RedeemPasswordResetRequest = z.infer<typeof RedeemPasswordResetRequest>

/** A team, and a namespace of the registry. */
export const Organisation = z
  .object({
    id: z.string(),
    slug: Slug,
    displayName: z.string(),
    createdAt: Timestamp,
    role: Role.describe('The role of the caller'),
  })
  .meta({ id: 'Organisation' })
export type Organisation = z.infer<typeof Organisation>

/** `POST /v1/organisations` */
export const CreateOrganisationRequest = z
  .strictObject({ slug: Slug, displayName: DisplayName.optional() })
  .meta({ id: 'CreateOrganisationRequest' })
export type CreateOrganisationRequest = z.infer<typeof CreateOrganisationRequest>

/** `GET /v1/organisations` */
export const OrganisationList = z.object({ organisations: z.array(Organisation) }).meta({ id: 'OrganisationList' })
export type OrganisationList = z.infer<typeof OrganisationList>

/** A member of an organisation. */
export const Member = z
  .object({
    accountId: z.string(),
    email: z.string().optional(),
    displayName: z.string(),
    role: Role,
    since: Timestamp,
  })
  .meta({ id: 'Member' })
export type Member = z.infer<typeof Member>

/** An invitation to an organisation that was not used yet, without its secret. */
export const MemberInvitation = z
  .object({
    id: z.string(),
    email: z.string().describe('Only the account with this email can join'),
    role: Role,
    createdAt: Timestamp,
    expiresAt: Timestamp,
  })
  .meta({ id: 'MemberInvitation' })
export type MemberInvitation = z.infer<typeof MemberInvitation>

/** The only response that contains the secret of an invitation. */
export const CreatedMemberInvitation = MemberInvitation.extend({
  secret: z.string().describe('Works once, in a link `/organisations/{organisation}/join?code=`'),
  emailed: z.boolean().describe('The mail server has accepted a mail with the link to this person'),
}).meta({ id: 'CreatedMemberInvitation' })
export type CreatedMemberInvitation = z.infer<typeof CreatedMemberInvitation>

/** `GET /v1/organisations/{organisation}/members` */
export const MemberList = z
  .object({
    members: z.array(Member),
    invitations: z
      .array(MemberInvitation)
      .optional()
      .describe('Invitations that are not used yet, oldest first. Absent for a caller who cannot manage members'),
  })
  .meta({ id: 'MemberList' })
export type MemberList = z.infer<typeof MemberList>

/** `POST /v1/organisations/{organisation}/invitations/redeem` */
export const RedeemMemberInvitationRequest = z
  .strictObject({ secret: z.string().min(1).max(200) })
  .meta({ id: 'RedeemMemberInvitationRequest' })
export type RedeemMemberInvitationRequest = z.infer<typeof RedeemMemberInvitationRequest>

/** `POST /v1/organisations/{organisation}/members`: adds or invites a person, or changes their role. */
export const SetMemberRequest = z.strictObject({ email: Email, role: Role }).meta({ id: 'SetMemberRequest' })
export type SetMemberRequest = z.infer<typeof SetMemberRequest>

/** A project, to which jobs and datasets belong. */
export const Project = z
  .object({
    id: z.string(),
    name: ProjectName,
    displayName: z.string(),
    createdAt: Timestamp,
  })
  .meta({ id: 'Project' })
export type Project = z.infer<typeof Project>

/** `GET /v1/organisations/{organisation}/projects` */
export const ProjectList = z.object({ projects: z.array(Project) }).meta({ id: 'ProjectList' })
export type ProjectList = z.infer<typeof ProjectList>

/** `POST /v1/organisations/{organisation}/projects` */
export const CreateProjectRequest = z
  .strictObject({ slug: Slug, displayName: DisplayName.optional() })
  .meta({ id: 'CreateProjectRequest' })
export type CreateProjectRequest = z.infer<typeof CreateProjectRequest>

/**
 * A permission of a token. `write` includes `read`, `push` includes `pull`, and `*` is every namespace. `tokens:manage`
 * allows to create, list and revoke tokens; `admin:*` includes it. A token never has more permissions than its account.
 */
export const TokenScope = z
  .string()
  .max(80)
  .regex(
    /^(?:(?:jobs|datasets):(?:read|write)|tokens:manage|(?:push|pull|admin):(?:\*|[a-z0-9]+(?:[._-][a-z0-9]+)*))$/,
    'must be "jobs:read", "jobs:write", "datasets:read", "datasets:write", "tokens:manage", "push:namespace", "pull:namespace" or "admin:*"',
  )
export type TokenScope = z.infer<typeof TokenScope>

/** `POST /v1/tokens` */
export const CreateTokenRequest = z
  .strictObject({
    name: DisplayName,
    scopes: z.array(TokenScope).min(1).max(50),
    expiresInDays: z
      .number()
      .int()
      .positive()
      .max(3650)
      .optional()
      .describe('Default: never, or with the token that creates it, or after the longest lifetime that is allowed'),
    organisation: Slug.optional().describe('Restricts the token to this organisation'),
    project: ProjectName.optional().describe('Restricts the token to this project'),
  })
  .meta({ id: 'CreateTokenRequest' })
export type CreateTokenRequest = z.infer<typeof CreateTokenRequest>

/** A token, without its secret. */
export const ApiToken = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes: z.array(TokenScope),
    organisation: z.string().optional(),
    project: z.string().optional(),
    createdAt: Timestamp,
    expiresAt: Timestamp.optional(),
    lastUsedAt: Timestamp.optional(),
    createdBy: z
      .object({
        credentials: z.enum(['local', 'session', 'token', 'issuer']),
        id: z.string().optional().describe('The token or session'),
        name: z.string().optional().describe('The name of the token'),
      })
      .optional()
      .describe('What created it. A token that was created by a token ends with it. Absent where it is not known'),
  })
  .meta({ id: 'ApiToken' })
/** A token, without its secret. */
export type ApiToken = z.infer<typeof ApiToken>

/** `GET /v1/tokens` */
export const ApiTokenList = z.object({ tokens: z.array(ApiToken) }).meta({ id: 'ApiTokenList' })
export type ApiTokenList = z.infer<typeof ApiTokenList>

/** The response to `POST /v1/tokens`: the only one that contains the secret. */
export const CreatedToken = ApiToken.extend({ secret: z.string() }).meta({ id: 'CreatedToken' })
export type CreatedToken = z.infer<typeof CreatedToken>

/** `GET /v1/me` */
export const Me = z
  .object({
    account: Account.optional().describe('Absent for a token without an account'),
    credentials: z.enum(['local', 'session', 'token', 'issuer']),
    scopes: z.array(z.string()).optional().describe('Absent when all permissions of the account apply'),
    expiresAt: Timestamp.optional().describe('When the token or session ends. Absent when it does not'),
    organisations: z.array(z.object({ slug: z.string(), role: Role })),
    projects: z.array(z.object({ name: z.string(), role: Role })),
    defaultProject: z.string().optional().describe('The project of jobs and datasets that are created without one'),
  })
  .meta({ id: 'Me' })
export type Me = z.infer<typeof Me>

/** An action in the audit log. */
export const AuditRow = z
  .object({
    id: z.number().int(),
    at: Timestamp,
    actor: z.string().describe('Id of an account, the owner of a token without an account, or a part of the platform'),
    actorName: z.string().optional().describe('The name of the account at the time'),
    credentials: z
      .enum(['local', 'session', 'token', 'issuer'])
      .optional()
      .describe('How the actor was authenticated; absent for the platform itself'),
    token: z
      .object({ id: z.string(), name: z.string().optional() })
      .optional()
      .describe('The token or session that was used; only tokens have a name'),
    address: z.string().optional().describe('The address of the client'),
    action: z.string(),
    subject: z.string(),
    subjectName: z.string().optional().describe('The name of the subject at the time'),
    project: z.string().optional(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'AuditRow' })
export type AuditRow = z.infer<typeof AuditRow>

/** `GET /v1/organisations/{organisation}/audit`: newest first. */
export const AuditPage = z
  .object({ rows: z.array(AuditRow), nextCursor: z.string().optional() })
  .meta({ id: 'AuditPage' })
export type AuditPage = z.infer<typeof AuditPage>

/** The cookie with the session of a browser. */
export const SESSION_COOKIE = 'trainyard_session'

/** The cookie by which a browser is known at the next sign-in. */
export const DEVICE_COOKIE = 'trainyard_device'

/** The header in which the pages prove to the APIs that the address in `X-Forwarded-For` is their viewer's. */
export const PAGES_SECRET_HEADER = 'x-trainyard-pages'
