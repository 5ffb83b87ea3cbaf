#include "statistics/student.h"

#include <math.h>

/* Continued fraction of the incomplete beta function (NIST DLMF 8.17.22) by Lentz's method; it
 * converges quickly for x below (a + 1) / (a + b + 2). */
static double beta_fraction(double x, double a, double b)
{
    const double tiny = 1e-300;
    double c = 1;
    double d = 1 - (a + b) * x / (a + 1);
    d = 1 / (fabs(d) < tiny ? tiny : d);
    double f = d;
    for (int m = 1; m < 500; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        const double steps[2] = {even, odd};
        double last = 0;
        for (int i = 0; i < 2; i++) {
            d = 1 + steps[i] * d;
            d = 1 / (fabs(d) < tiny ? tiny : d);
            c = 1 + steps[i] / c;
            c = fabs(c) < tiny ? tiny : c;
            last = c * d;
            f *= last;
        }
        if (fabs(last - 1) < 1e-15)
            break;
    }
    return f;
}

/* I_x(a, b), the regularised incomplete beta function (DLMF 8.17.2 and the symmetry 8.17.4). */
static double beta_share(double x, double a, double b)
{
    if (x <= 0)
        return 0;
    if (x >= 1)
        return 1;
    double front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x));
    return x < (a + 1) / (a + b + 2) ? front * beta_fraction(x, a, b) / a
                                     : 1 - front * beta_fraction(1 - x, b, a) / b;
}

double sw_student_cdf(double t, double df)
{
    double tail = 0.5 * beta_share(df / (df + t * t), df / 2, 0.5);
    return t > 0 ? 1 - tail : tail;
}

double sw_student_quantile(double p, double df)
{
    if (p == 0.5)
        return 0;
    if (p < 0.5)
        return -sw_student_quantile(1 - p, df);
    /* Newton's steps from 0: the distribution is concave there, so each ends before the quantile
     * and the next begins nearer to it. */
    const double pi = acos(-1);
    double front = exp(lgamma((df + 1) / 2) - lgamma(df / 2)) / sqrt(df * pi);
    double t = 0;
    for (int i = 0; i < 2000; i++) {
        double density = front * exp(-(df + 1) / 2 * log1p(t * t / df));
        double step = (p - sw_student_cdf(t, df)) / density;
        if (!(step > 1e-13 * t)) /* rounding has the last word */
            break;
        t += step;
    }
    return t;
}
