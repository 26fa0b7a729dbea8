// The steps of a tree laid out for one row: the same numbers as in its program, those of a node of the tree together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "pellucid/shapley/tree_path_steps.hpp"

namespace pellucid {

template <typename Scalar>
class PathRowProgram {
  public:
    PathRowProgram() = default;
    // Of a program of values; nothing where a path has too many players.
    explicit PathRowProgram(const PathView<Scalar>& tree);

    PathRowView<Scalar> view() const;
    static std::size_t scratch_bytes(const PathRowView<Scalar>& view);

  private:
    template <typename>
    friend class PathRowWriter;
    struct alignas(64) Line {
        Scalar of[64 / sizeof(Scalar)];
    };
    // Runs of path_row_width numbers.
    struct Numbers {
        std::vector<Line> lines;
        std::size_t count = 0;

        std::int64_t reserve(std::size_t more);
        Scalar* at(std::int64_t place) { return lines.data()->of + place; }
        const Scalar* data() const { return lines.empty() ? nullptr : lines.data()->of; }
    };

    std::vector<PathRowSplit> splits_;
    std::vector<PathRowStep> steps_;
    std::vector<PathRowBlock> blocks_;
    Numbers down_, up_;
    const std::uint64_t* bits_ = nullptr;
    std::int64_t items_ = 0;
    std::int32_t nodes_ = 0;
};

}  // namespace pellucid
