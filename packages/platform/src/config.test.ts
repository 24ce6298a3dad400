import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { hidePassword, parseConfig } from './config.ts'
import { ConfigError } from './errors.ts'

const Env = z.object({
  PORT: z.coerce.number().int().min(1).max(65535).default(7600),
  DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/, error: 'must be a postgres:// URL' }).optional(),
  JWT_SECRET: z.string().min(32).optional(),
  MODE: z.enum(['one', 'two']).default('one'),
})

describe('parseConfig', () => {
  it('fills in defaults, and treats an empty variable as unset', () => {
    expect(parseConfig(Env, { PORT: '', MODE: 'two', OTHER: 'x' }, 'the runner')).toEqual({ PORT: 7600, MODE: 'two' })
  })

  it('names every invalid variable, what it must be and its value', () => {
    const parse = () => parseConfig(Env, { PORT: '70000', MODE: 'three' }, 'the runner')
    expect(parse).toThrow(ConfigError)
    expect(parse).toThrow(
      'The settings of the runner are invalid:\n- PORT must be at most 65535; it is "70000"\n- MODE must be one of "one", "two"; it is "three"',
    )
  })

  it('shows no secrets, neither values nor passwords in URLs', () => {
    const parse = () => parseConfig(Env, { JWT_SECRET: 'hidden1', DATABASE_URL: 'mysql://u:hidden2@h/db' }, 'it')
    expect(parse).toThrow(/JWT_SECRET must be at least 32 characters long; its value is not shown/)
    expect(parse).toThrow(/DATABASE_URL must be a postgres:\/\/ URL; it is "mysql:\/\/u:\*\*\*@h\/db"/)
    expect(parse).not.toThrow(/hidden/)
    expect(hidePassword('no url')).toBe('no url')
  })
})
