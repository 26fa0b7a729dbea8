#include "pellucid/regression/binary_rows.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <numeric>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"
#include "pellucid/regression/lanes.hpp"

namespace pellucid {
namespace {

constexpr Index row_chunk = 2048;
constexpr Index entries = 256;  // of a table of bytes
constexpr double rounding = 1e-13;

// planes[j * words + word] gets bit r from row order[first + r].
PELLUCID_SIMD void make_planes(const std::uint8_t* masks, Index stride, const Index* order, Index count, Index words,
                               std::uint64_t* __restrict buffer, std::uint64_t* planes) {
    std::fill_n(buffer, stride, 0);
    for (Index r = 0; r < count; ++r) {
        const std::uint8_t* __restrict mask = masks + order[r] * stride;
        for (Index j = 0; j < stride; ++j) buffer[j] |= static_cast<std::uint64_t>(mask[j]) << r;
    }
    for (Index j = 0; j < stride; ++j) planes[j * words] = buffer[j];
}

// sum over groups of rows of weight times the ones of a AND each of four planes; starts: (groups + 1) words.
PELLUCID_SIMD void count_four(const std::uint64_t* a, const std::uint64_t* b, Index words,
                              const std::vector<Index>& starts, const std::vector<double>& weights, double* out) {
    double t0 = 0.0, t1 = 0.0, t2 = 0.0, t3 = 0.0;
    for (std::size_t g = 0; g < weights.size(); ++g) {
        int c0 = 0, c1 = 0, c2 = 0, c3 = 0;
        for (Index w = starts[g]; w < starts[g + 1]; ++w) {
            c0 += std::popcount(a[w] & b[w]);
            c1 += std::popcount(a[w] & b[w + words]);
            c2 += std::popcount(a[w] & b[w + 2 * words]);
            c3 += std::popcount(a[w] & b[w + 3 * words]);
        }
        t0 += weights[g] * c0;
        t1 += weights[g] * c1;
        t2 += weights[g] * c2;
        t3 += weights[g] * c3;
    }
    out[0] = t0;
    out[1] = t1;
    out[2] = t2;
    out[3] = t3;
}

// bucket[byte of the row] += its w t, for `lanes` columns of t.
PELLUCID_SIMD void fill_buckets(const std::uint8_t* bytes, const double* w, const double* t, Index ldt, Index rows,
                                double* bucket) {
    for (Index i = 0; i < rows; ++i) {
        double* to = bucket + bytes[i] * lanes;
        four(to) += w[i] * four(t + i * ldt);
        four(to + 4) += w[i] * four(t + i * ldt + 4);
    }
}

// Sums of the buckets with bit 7, then 6, ..., each time folding the upper half onto the lower; destroys the buckets.
PELLUCID_SIMD void fold_buckets(double* bucket, double* out, Index ldo) {
    for (Index bit = 7; bit >= 0; --bit) {
        const Index half = (Index{1} << bit) * lanes;
        Four low{}, high{};
        for (double *from = bucket + half, *to = bucket; to < bucket + half; from += lanes, to += lanes) {
            low += four(from);
            high += four(from + 4);
            four(to) += four(from);
            four(to + 4) += four(from + 4);
        }
        four(out + bit * ldo) += low;
        four(out + bit * ldo + 4) += high;
    }
}

// table[byte] = sum of the rows of c whose bit is set, for `lanes` columns of c.
PELLUCID_SIMD void make_table(const double* c, Index ldc, Index rows, double* table) {
    std::fill_n(table, lanes, 0.0);
    for (Index bit = 0; bit < rows; ++bit, c += ldc) {
        double* end = table + (Index{1} << bit) * lanes;
        for (double *from = table, *to = end; from < end; from += lanes, to += lanes) {
            four(to) = four(from) + four(c);
            four(to + 4) = four(from + 4) + four(c + 4);
        }
    }
}

// Four rows at a time: the additions of one wait for each other.
PELLUCID_SIMD void add_looked_up(const std::uint8_t* packed, Index m, Index bytes, const double* tables,
                                 const double* offset, double* out, Index ldo) {
    const Four low = four(offset), high = four(offset + 4);
    Index i = 0;
    for (; i + 4 <= m; i += 4, out += 4 * ldo) {
        Four a0 = low, a1 = high, b0 = low, b1 = high, c0 = low, c1 = high, d0 = low, d1 = high;
        const std::uint8_t* byte = packed + i;
        const double* table = tables;
        for (Index g = 0; g < bytes; ++g, byte += m, table += entries * lanes) {
            const double *a = table + byte[0] * lanes, *b = table + byte[1] * lanes;
            const double *c = table + byte[2] * lanes, *d = table + byte[3] * lanes;
            a0 += four(a);
            a1 += four(a + 4);
            b0 += four(b);
            b1 += four(b + 4);
            c0 += four(c);
            c1 += four(c + 4);
            d0 += four(d);
            d1 += four(d + 4);
        }
        four(out) += a0;
        four(out + 4) += a1;
        four(out + ldo) += b0;
        four(out + ldo + 4) += b1;
        four(out + 2 * ldo) += c0;
        four(out + 2 * ldo + 4) += c1;
        four(out + 3 * ldo) += d0;
        four(out + 3 * ldo + 4) += d1;
    }
    for (; i < m; ++i, out += ldo) {
        Four a0 = low, a1 = high;
        for (Index g = 0; g < bytes; ++g) {
            a0 += four(tables + (g * entries + packed[g * m + i]) * lanes);
            a1 += four(tables + (g * entries + packed[g * m + i]) * lanes + 4);
        }
        four(out) += a0;
        four(out + 4) += a1;
    }
}

PELLUCID_SIMD double dot_mask(const std::uint8_t* __restrict mask, Index stride, const double* __restrict q) {
    double lane[lanes] = {};
    for (Index j = 0; j < stride; j += lanes) {
        double product[lanes];
        for (Index l = 0; l < lanes; ++l) product[l] = static_cast<double>(mask[j + l]) * q[j + l];
        for (Index l = 0; l < lanes; ++l) lane[l] += product[l];
    }
    return ((lane[0] + lane[4]) + (lane[1] + lane[5])) + ((lane[2] + lane[6]) + (lane[3] + lane[7]));
}

}  // namespace

BinaryRows::BinaryRows(MasksIn z, VectorIn w, const std::vector<Index>& columns)
    : columns_(static_cast<Index>(columns.size())), stride_(padded(columns_)), bytes_(stride_ / lanes), w_(w) {
    const Index m = z.rows();
    masks_.assign(static_cast<std::size_t>(checked_product(m, stride_, "the design")), 0);
    packed_.resize(static_cast<std::size_t>(m * bytes_));
    const bool all = columns_ == z.cols();
    for (Index i = 0; i < m; ++i) {
        std::uint8_t* row = masks_.data() + i * stride_;
        if (all)
            std::copy_n(z.data() + i * z.cols(), columns_, row);
        else
            for (Index j = 0; j < columns_; ++j) row[j] = z(i, columns[static_cast<std::size_t>(j)]);
        for (Index g = 0; g < bytes_; ++g) {
            std::uint8_t byte = 0;
            for (Index bit = 0; bit < 8; ++bit) byte |= static_cast<std::uint8_t>(row[8 * g + bit] << bit);
            packed_[static_cast<std::size_t>(g * m + i)] = byte;
        }
    }
    mean_ = cross(Matrix::Ones(m, lanes)).col(0) / w_.sum();
}

std::vector<BinaryRows::Group> BinaryRows::groups_of_weights(std::vector<Index>& order) const {
    order.resize(static_cast<std::size_t>(size()));
    std::iota(order.begin(), order.end(), Index{0});
    if (w_.minCoeff() == w_.maxCoeff()) return {{w_[0], 0, size()}};
    std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return w_[a] < w_[b]; });
    std::vector<Group> groups;
    for (Index r = 0; r < size(); ++r) {
        const double weight = w_[order[static_cast<std::size_t>(r)]];
        if (groups.empty() || groups.back().weight != weight) groups.push_back({weight, r, r});
        groups.back().last = r + 1;
        if (static_cast<Index>(groups.size()) > columns_ + 2) break;  // too many to count one by one
    }
    return groups;
}

Matrix BinaryRows::counted(const std::vector<Group>& groups, const std::vector<Index>& order) const {
    constexpr Index word = 64;
    std::vector<Index> starts{0};
    std::vector<double> weights;
    for (const Group& group : groups) {
        starts.push_back(starts.back() + (group.last - group.first + word - 1) / word);
        weights.push_back(group.weight);
    }
    const Index words = starts.back();
    std::vector<std::uint64_t> planes(static_cast<std::size_t>(stride_ * words));
    std::vector<std::uint64_t> buffer(static_cast<std::size_t>(stride_));
    for (std::size_t g = 0; g < groups.size(); ++g)
        for (Index r = groups[g].first, at = starts[g]; r < groups[g].last; r += word, ++at)
            make_planes(masks_.data(), stride_, order.data() + r, std::min(word, groups[g].last - r), words,
                        buffer.data(), planes.data() + at);

    Matrix sum = Matrix::Zero(stride_, stride_);
    parallel_for(stride_, lanes, [&](Index first, Index last) {
        for (Index j = first; j < last; ++j)
            for (Index k = j / 4 * 4; k < stride_; k += 4)
                count_four(planes.data() + j * words, planes.data() + k * words, words, starts, weights, &sum(j, k));
    });
    return sum.topLeftCorner(columns_, columns_);
}

Matrix BinaryRows::summed() const {
    const Matrix numbers = Eigen::Map<const Masks>(masks_.data(), size(), stride_).cast<double>();
    return sums(numbers, true).leftCols(columns_);
}

Matrix BinaryRows::gram() const {
    if (columns_ == 0) return Matrix(0, 0);
    std::vector<Index> order;
    const std::vector<Group> groups = groups_of_weights(order);
    Matrix sum = static_cast<Index>(groups.size()) > columns_ + 2 ? summed() : counted(groups, order);
    sum.noalias() -= w_.sum() * mean_ * mean_.transpose();
    sum.triangularView<Eigen::StrictlyLower>() = sum.transpose();
    return sum;
}

Vector BinaryRows::floor() const {
    return rounding * w_.sum() * mean_;
}

Matrix BinaryRows::sums(const Matrix& t, bool upper) const {
    const Index m = size(), L = t.cols(), chunks = (m + row_chunk - 1) / row_chunk;
    std::vector<Matrix> parts(static_cast<std::size_t>(chunks));
    parallel_for(m, row_chunk, [&](Index first, Index last) {
        Matrix sum = Matrix::Zero(stride_, L);
        std::vector<double> bucket(static_cast<std::size_t>(entries * lanes));
        for (Index l = 0; l < L; l += lanes)
            for (Index g = 0; g < (upper ? l / lanes + 1 : bytes_); ++g) {
                std::fill(bucket.begin(), bucket.end(), 0.0);
                fill_buckets(packed_.data() + g * m + first, w_.data() + first, t.data() + first * L + l, L,
                             last - first, bucket.data());
                fold_buckets(bucket.data(), sum.data() + g * lanes * L + l, L);
            }
        parts[static_cast<std::size_t>(first / row_chunk)] = std::move(sum);
    });
    for (std::size_t c = 1; c < parts.size(); ++c) parts[0] += parts[c];
    return parts[0].topRows(columns_);
}

void BinaryRows::add_product(const Matrix& c, Matrix& out) const {
    if (columns_ == 0) return;
    const Index L = c.cols();
    const Vector offset = -(c.transpose() * mean_);
    parallel_for(L / lanes, 4, [&](Index first, Index last) {
        std::vector<double> tables(static_cast<std::size_t>(bytes_ * entries * lanes));
        for (Index l = first * lanes; l < last * lanes; l += lanes) {
            for (Index g = 0; g < bytes_; ++g)
                make_table(c.data() + g * lanes * L + l, L, std::min(lanes, columns_ - g * lanes),
                           tables.data() + g * entries * lanes);
            add_looked_up(packed_.data(), size(), bytes_, tables.data(), offset.data() + l, out.data() + l, L);
        }
    });
}

Vector BinaryRows::forms(const Matrix& influence, Index flip) const {
    const Index ldq = influence.cols();
    Vector form = Vector::Zero(size());
    for (Index i = 0; i + flip < size(); i += 1 + flip) {
        const double* q = influence.data() + (i + flip) * ldq;
        form[i] = q[columns_] + dot_mask(masks_.data() + i * stride_, stride_, q);
    }
    return form;
}

}  // namespace pellucid
