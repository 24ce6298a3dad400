// Constants, so that migrations of other schemas can assign existing rows to the default project.

/** The account of the user who started a server with `AUTH=local`. */
export const LOCAL_ACCOUNT_ID = 'acc_local'
export const LOCAL_ORGANISATION_ID = 'org_local'
/** `local/default`: holds everything that was created before projects existed. */
export const DEFAULT_PROJECT_ID = 'prj_default'
