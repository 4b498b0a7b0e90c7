# Joins the files that Verilator wrote for one model into one: their number is Verilator's affair.
file(GLOB parts RELATIVE ${DIR} ${DIR}/${PREFIX}*.cpp)
list(REMOVE_ITEM parts ${PREFIX}__all.cpp)
list(TRANSFORM parts REPLACE "(.+)" "#include \"\\1\"\n" OUTPUT_VARIABLE includes)
string(CONCAT text ${includes})
file(WRITE ${DIR}/${PREFIX}__all.cpp "${text}")
