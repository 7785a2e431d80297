/* What a bundle has to bring along. */
export const answer = 42;
