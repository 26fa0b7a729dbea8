#include "pellucid/sampling/texts.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "pellucid/check.hpp"
#include "pellucid/parallel.hpp"

namespace pellucid {
namespace {

constexpr Index longest_row = std::numeric_limits<std::int32_t>::max();

void check_words(Index text, IndicesIn starts, IndicesIn stops, ColumnsIn part_of_word, Index parts) {
    require(parts >= 1, "parts must be at least 1, got ", parts);
    require(stops.size() == starts.size() && part_of_word.size() == starts.size(),
            "starts, stops and part_of_word must have an entry for each word, got ", starts.size(), ", ", stops.size(),
            " and ", part_of_word.size());
    Index before = 0;
    for (Index w = 0; w < starts.size(); ++w) {
        require(before <= starts[w] && starts[w] < stops[w] && stops[w] <= text, "word ", w, " has the bytes ",
                starts[w], " to ", stops[w], "; words must follow each other within the ", text, " bytes of the text");
        require(part_of_word[w] >= 0 && part_of_word[w] < parts, "part_of_word[", w, "] is ", part_of_word[w],
                ", there are ", parts, " parts");
        before = stops[w];
    }
}

PELLUCID_SIMD std::int32_t gained(const std::uint8_t* __restrict mask, const std::int32_t* __restrict gain,
                                  Index parts) {
    std::int32_t sum = 0;
    for (Index j = 0; j < parts; ++j) sum += mask[j] != 0 ? gain[j] : 0;
    return sum;
}

}  // namespace

SplicedText::SplicedText(BytesIn text, IndicesIn starts, IndicesIn stops, ColumnsIn part_of_word, Index parts,
                         BytesIn replacement) {
    check_words(text.size(), starts, stops, part_of_word, parts);
    const Index words = starts.size(), mark = replacement.size();
    bare_ = text.size() - (stops - starts).sum() + checked_product(words, mark, "words times replacement");
    require<BudgetError>(std::max<Index>(text.size(), bare_) <= longest_row, "a text may have at most ", longest_row,
                         " bytes, got ", text.size(), ", and ", bare_, " without its words; cut it into pieces");
    gain_.assign(static_cast<std::size_t>(parts), 0);
    for (Index w = 0; w < words; ++w)
        gain_[static_cast<std::size_t>(part_of_word[w])] += static_cast<std::int32_t>(stops[w] - starts[w] - mark);
    longest_ = bare_;
    for (const std::int32_t gain : gain_) longest_ += std::max(gain, 0);
    require<BudgetError>(longest_ <= longest_row, "a text may have at most ", longest_row,
                         " bytes, the longest of these has ", longest_, "; cut it into pieces or take a shorter mask");

    bytes_.reserve(static_cast<std::size_t>(text.size() + bare_ + width));
    bytes_.assign(text.data(), text.data() + text.size());
    const auto append = [&](const std::uint8_t* from, Index count) { bytes_.insert(bytes_.end(), from, from + count); };
    const Index opening = words == 0 ? text.size() : starts[0];
    add_steps({0, 0}, {opening, opening}, 0);
    append(text.data(), opening);
    for (Index w = 0; w < words; ++w) {
        const Index next = w + 1 < words ? starts[w + 1] : text.size();
        const Index between = next - stops[w], before = static_cast<Index>(bytes_.size());
        append(replacement.data(), mark);
        append(text.data() + stops[w], between);
        add_steps({before, starts[w]}, {mark + between, next - starts[w]}, part_of_word[w]);
    }
    bytes_.resize(bytes_.size() + width);
}

void SplicedText::add_steps(const Index (&source)[2], const Index (&length)[2], std::int32_t part) {
    for (Index done = 0; done < std::max(length[0], length[1]); done += width) {
        Step step{{}, {}, part};
        for (const int in : {0, 1}) {
            const Index begin = std::min(done, length[in]);
            step.source[in] = static_cast<std::uint32_t>(source[in] + begin);
            step.length[in] = static_cast<std::uint32_t>(std::min(width, length[in] - begin));
        }
        steps_.push_back(step);
    }
}

void SplicedText::size_rows(MasksIn masks, Indices& offsets) const {
    offsets[0] = 0;
    parallel_for(masks.rows(), std::max<Index>(1, (Index{1} << 18) / parts()), [&](Index first, Index last) {
        for (Index i = first; i < last; ++i)
            offsets[i + 1] = bare_ + gained(masks.row(i).data(), gain_.data(), parts());
    });
    for (Index i = 0; i < masks.rows(); ++i) offsets[i + 1] += offsets[i];
}

std::pair<Bytes, Indices> SplicedText::assemble(MasksIn masks, Index limit) const {
    require(masks.cols() == parts(), "masks must have ", parts(), " columns, one per part, got ", masks.cols());
    checked_product(masks.rows(), longest_, "masks times the longest text");
    Indices offsets(masks.rows() + 1);
    size_rows(masks, offsets);
    const Index total = offsets[masks.rows()];
    require<BudgetError>(total <= limit, masks.rows(), " texts need ", total, " bytes, the limit is ", limit,
                         "; ask for fewer masks at a time");

    Bytes texts(total);
    const Index rows_per_chunk = std::max<Index>(1, (Index{1} << 18) / std::max<Index>(1, longest_));
    parallel_for(masks.rows(), rows_per_chunk, [&](Index first, Index last) {
        const std::uint8_t* end = texts.data() + offsets[last];
        for (Index i = first; i < last; ++i) {
            std::uint8_t* to = texts.data() + offsets[i];
            if (offsets[last] - offsets[i + 1] >= width)
                write_inside(masks.row(i).data(), to);
            else
                write(masks.row(i).data(), to, end);
        }
    });
    return {std::move(texts), std::move(offsets)};
}

void SplicedText::write_inside(const std::uint8_t* mask, std::uint8_t* to) const {
    const std::uint8_t* bytes = bytes_.data();
    for (const Step& step : steps_) {
        const int in = mask[step.part] != 0;
        std::memcpy(to, bytes + step.source[in], width);
        to += step.length[in];
    }
}

void SplicedText::write(const std::uint8_t* mask, std::uint8_t* to, const std::uint8_t* end) const {
    for (const Step& step : steps_) {
        const int in = mask[step.part] != 0;
        const std::uint32_t length = step.length[in];
        const std::uint8_t* from = bytes_.data() + step.source[in];
        if (end - to >= width)
            std::memcpy(to, from, width);
        else if (length > 0)  // a buffer of no bytes has no address
            std::memcpy(to, from, length);
        to += length;
    }
}

}  // namespace pellucid
