/** Thrown where a transaction breaks a rule. It then has changed nothing. */
export class Refused extends Error {
  constructor(rule) {
    super(rule);
    this.name = 'Refused';
  }
}

export function need(condition, rule) {
  if (!condition) throw new Refused(rule);
}

/** Thrown where the rule is kept but the operator's account could not take the fees. */
export class OperatorFull extends Refused {}
