/** Maps the subject of an external issuer to an account. */
export interface ExternalAccountsTable {
  issuer: string
  subject: string
  account_id: string
}
