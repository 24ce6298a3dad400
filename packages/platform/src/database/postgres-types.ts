import pg from 'pg'

const INT8 = 20

/** `bigint` and `count(*)` arrive as numbers: our ids are below 2^53. Everything else as `pg` does it. */
export const postgresTypes: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === INT8 && format !== 'binary'
      ? Number
      : pg.types.getTypeParser(oid, format)) as pg.CustomTypesConfig['getTypeParser'],
}
