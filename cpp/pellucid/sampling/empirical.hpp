// How much each background row resembles the explained one in the columns that a coalition knows.
//
// Aas, Jullum and Loland, "Explaining individual predictions when features are dependent", Artificial Intelligence 298
// (2021): weights exp(-D^2 / (2 sigma^2)) with D^2 the squared Mahalanobis distance over the known columns divided by
// their number, of which the largest are kept until they hold a share of the sum.
#pragma once

#include <vector>

#include "pellucid/sampling/mask_cache.hpp"
#include "pellucid/types.hpp"

namespace pellucid {

class EmpiricalNeighbours {
  public:
    // rows (B, d) and their weights (B,), positive with sum 1. correlation (d, d) and scale (d,) are those of the
    // columns on a scale; where scale is 0 the column is constant and does not count. unordered (d,) marks columns
    // whose distance is 0 or 1 instead. At most `most` rows are kept, by a coalition that knows something that counts.
    // The factor of a coalition and the rows whitened by it stay up to `cache_bytes`.
    EmpiricalNeighbours(MatrixIn rows, VectorIn weights, MatrixIn correlation, VectorIn scale, ColumnsIn unordered,
                        ColumnsIn part_of_column, Index parts, double sigma, double share, Index most,
                        Index cache_bytes);

    // (m, B): weights with sum 1 for each mask, 0 where a row is not kept. A coalition that knows nothing that counts
    // has the weights of the rows.
    Matrix weights(VectorIn x, MasksIn masks);

  private:
    struct Whitened {
        std::vector<Index> scaled, unordered;  // the columns that count
        Eigen::MatrixXd factor;                // lower triangle of the Cholesky factor of their correlation
        Matrix rows;                           // (B, scaled): the rows after the inverse of the factor
    };

    Whitened make(const std::uint8_t* mask) const;
    void weigh(const Whitened& by, VectorIn x, double* result) const;

    Matrix rows_, standard_;  // as given, and from the first row in units of scale
    Vector weights_, scale_;
    Matrix correlation_;
    std::vector<std::int32_t> unordered_, part_;
    Index parts_, most_;
    double sigma_, share_;
    MaskCache<Whitened> cache_;
};

// Means (m, k) of consecutive runs of outputs: run i holds counts[i] rows. Each sum is compensated (Neumaier) and taken
// in the order of the rows.
Matrix weighted_run_means(MatrixIn outputs, VectorIn weights, IndicesIn counts);

}  // namespace pellucid
