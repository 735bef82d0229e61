#include "engine/base/statistics.h"

#include <math.h>

void loom_wilson(double* low, double* high, int64_t successes, int64_t n) {
  // Nothing tried, nothing known.
  if (!n) {
    *low = 0;
    *high = 1;
    return;
  }

  // (p + z²/2n ± z √(p(1-p)/n + z²/4n²)) / (1 + z²/n)
  const double z = 1.959963984540054;  // 97.5th percentile of the standard normal distribution
  double count = (double)n, p = (double)successes / count;
  double center = p + z * z / (2 * count),
         spread = z * sqrt(p * (1 - p) / count + z * z / (4 * count * count));

  *low = fmax(0, (center - spread) / (1 + z * z / count));
  *high = fmin(1, (center + spread) / (1 + z * z / count));
}

double loom_mcnemar(int64_t won, int64_t lost) {
  int64_t n = won + lost, few = won < lost ? won : lost;
  double sum = 0;

  // Binomial probabilities by their logarithms, which do not vanish for many pairs.
  for (int64_t k = 0; k <= few; k++)
    sum +=
        exp(lgamma((double)n + 1) - lgamma((double)k + 1) - lgamma((double)(n - k) + 1) - (double)n * log(2));
  return fmin(1, 2 * sum);
}
