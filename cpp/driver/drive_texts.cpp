#include "drive_texts.hpp"

#include <string>
#include <utility>
#include <vector>

#include "pellucid/parallel.hpp"
#include "pellucid/random.hpp"
#include "pellucid/sampling/texts.hpp"
#include "random_inputs.hpp"

namespace pellucid::driver {
namespace {

struct Case {
    std::string text, replacement;
    std::vector<Index> starts, stops;
    std::vector<std::int32_t> parts;
    Index part_count;
};

Case random_case(std::uint64_t row) {
    RowStream stream(11, 0, row, StreamOf::test);
    Case made;
    made.part_count = 1 + below(stream, 9);
    const Index longest = 1 + below(stream, row % 7 == 0 ? 5000 : 40), gap = below(stream, 40);
    made.replacement.assign(static_cast<std::size_t>(below(stream, 3) * below(stream, 30)), '#');
    for (Index w = below(stream, 30); w > 0; --w) {
        made.text.append(static_cast<std::size_t>(below(stream, gap + 1)), '.');
        made.starts.push_back(static_cast<Index>(made.text.size()));
        for (Index c = 1 + below(stream, longest); c > 0; --c) made.text += static_cast<char>('a' + below(stream, 26));
        made.stops.push_back(static_cast<Index>(made.text.size()));
        made.parts.push_back(static_cast<std::int32_t>(below(stream, made.part_count)));
    }
    made.text.append(static_cast<std::size_t>(below(stream, gap + 1)), '.');
    return made;
}

std::string plain(const Case& from, const Masks& masks, Index row) {
    std::string made;
    std::size_t position = 0;
    for (std::size_t w = 0; w < from.starts.size(); ++w) {
        const auto start = static_cast<std::size_t>(from.starts[w]), stop = static_cast<std::size_t>(from.stops[w]);
        made += from.text.substr(position, start - position);
        made += masks(row, from.parts[w]) ? from.text.substr(start, stop - start) : from.replacement;
        position = stop;
    }
    return made + from.text.substr(position);
}

Bytes as_bytes(const std::string& text) {
    return Eigen::Map<const Bytes>(reinterpret_cast<const std::uint8_t*>(text.data()), static_cast<Index>(text.size()));
}

int wrong_rows(const Case& from, const Masks& masks) {
    const auto words = static_cast<Index>(from.starts.size());
    const SplicedText spliced(as_bytes(from.text), Eigen::Map<const Indices>(from.starts.data(), words),
                              Eigen::Map<const Indices>(from.stops.data(), words),
                              Eigen::Map<const Columns>(from.parts.data(), words), from.part_count,
                              as_bytes(from.replacement));
    int wrong = 0;
    for (const int threads : {1, 3}) {
        set_thread_count(threads);
        const auto [bytes, offsets] = spliced.assemble(masks, Index{1} << 40);
        for (Index i = 0; i < masks.rows(); ++i) {
            const std::string row(reinterpret_cast<const char*>(bytes.data()) + offsets[i],
                                  static_cast<std::size_t>(offsets[i + 1] - offsets[i]));
            wrong += row != plain(from, masks, i);
        }
    }
    set_thread_count(0);
    return wrong;
}

}  // namespace

int wrong_texts() {
    int wrong = 0;
    for (std::uint64_t row = 0; row < 100; ++row) {
        const Case made = random_case(row);
        RowStream stream(12, 0, row, StreamOf::test);
        Masks masks(row % 10 == 0 ? 2000 : 1 + below(stream, 60), made.part_count);
        for (Index i = 0; i < masks.size(); ++i) masks.data()[i] = stream.uniform() < 0.5;
        wrong += wrong_rows(made, masks);
    }
    return wrong;
}

}  // namespace pellucid::driver
