/** A table that each schema has while a restore fills it. The last statement of the restore drops it. */
export const UNFINISHED_TABLE = 'restore_unfinished'
