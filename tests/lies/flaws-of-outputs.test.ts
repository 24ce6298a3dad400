import { testFlaws } from './flaws.cases.ts'

testFlaws(/^TY6(?!0[1-5])/)
