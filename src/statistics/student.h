/* Student's t distribution. */
#ifndef SW_STATISTICS_STUDENT_H
#define SW_STATISTICS_STUDENT_H

/* P(T <= t) with df degrees of freedom, df above 0 and not necessarily whole. */
double sw_student_cdf(double t, double df);

/* The t that P(T <= t) = p, for p in (0, 1). */
double sw_student_quantile(double p, double df);

#endif
