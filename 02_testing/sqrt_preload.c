/* sqrt_preload: a library with a sqrt of its own, for LD_PRELOAD to slip in
 * front of libm. See monkey_patch.c.
 */
double sqrt(double x);

double sqrt(double x)
{
    (void)x;
    return 42;
}
