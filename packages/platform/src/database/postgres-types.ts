import pg from 'pg'

const INT8 = 20

/** Reads `bigint` and `count(*)` as numbers: our ids are below 2^53. Other types are read as `pg` does. */
export const postgresTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}
