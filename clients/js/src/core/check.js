/** Throws unless a parameter is what it must be. */
export const check = (isRight, parameter, what) => {
  if (!isRight) throw new TypeError(`CComet: ${parameter} must be ${what}.`);
};
