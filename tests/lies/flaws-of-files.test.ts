import { testFlaws } from './flaws.cases.ts'

testFlaws(/^TY60[1-5]/)
