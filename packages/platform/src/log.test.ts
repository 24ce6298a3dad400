import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createLogger } from './log.ts'

function captured() {
  const lines: string[] = []
  const stream = new Writable({
    write(chunk, _, done) {
      lines.push(String(chunk))
      done()
    },
  })
  return { lines, logger: createLogger({ name: 'test', destination: stream }) }
}

describe('the logger', () => {
  it('writes one JSON object per line with level, name, time and message', () => {
    const { lines, logger } = captured()
    logger.info({ jobId: 7 }, 'hello')
    logger.debug('not shown')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      expect.objectContaining({
        level: 'info',
        name: 'test',
        jobId: 7,
        msg: 'hello',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
      }),
    ])
  })

  it('removes secrets from fields, URLs, headers and errors', () => {
    const { lines, logger } = captured()
    const secret = 'ty_0123456789abcdef0123'
    logger.warn({
      token: 'hidden-1',
      headers: { authorization: 'Bearer hidden-2' },
      config: { auth: { password: 'hidden-3' } },
    })
    logger.error({ err: new Error(`no: https://s/x?signature=hidden-4&b=1 Bearer hidden-5 ${secret}`) }, 'failed')
    logger.info({ url: 'postgres://u:hidden-6@h/d', jwt: 'eyJhbGciOi.eyJzdWIiOi.hidden-7' })
    const all = lines.join('')
    expect(all).not.toMatch(/hidden-\d/)
    expect(all).not.toContain(secret)
    expect(all).toContain('&b=1')
    for (const line of lines) expect(() => JSON.parse(line) as unknown).not.toThrow()
  })
})
