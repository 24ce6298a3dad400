// Fixed, so that the migrations of other schemas can put existing rows into the default project.

/** Who asks without credentials on a machine of its own. */
export const LOCAL_ACCOUNT_ID = 'acc_local'
export const LOCAL_ORGANISATION_ID = 'org_local'
/** What was there before there were projects is in this one: `local/default`. */
export const DEFAULT_PROJECT_ID = 'prj_default'
