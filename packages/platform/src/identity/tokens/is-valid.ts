import { sql } from 'kysely'

/** SQL: whether no token that `tokens` descends from is revoked or expired. A token ends with each of its ancestors. */
export const hasValidAncestors = sql<boolean>`(tokens.parent_id is null or not exists (
  with recursive ancestors (id, parent_id, revoked_at, expires_at) as (
    select one.id, one.parent_id, one.revoked_at, one.expires_at from tokens one where one.id = tokens.parent_id
    union
    select one.id, one.parent_id, one.revoked_at, one.expires_at
    from tokens one join ancestors on one.id = ancestors.parent_id
  )
  select 1 from ancestors where revoked_at is not null or expires_at <= now()))`

/** SQL: whether neither the row of `tokens` nor any token that it descends from is revoked or expired. */
export const isValid = sql<boolean>`(tokens.revoked_at is null
  and (tokens.expires_at is null or tokens.expires_at > now()) and ${hasValidAncestors})`
